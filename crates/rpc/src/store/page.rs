//! Lists in pages.

/// A page of a list. `next` is opaque and asks for the page after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
}

/// Makes requests for a page of what a room has, as a user sees it, their messages.
macro_rules! page_of_room {
    ($($Type:ty => $Message:path),* $(,)?) => {$(
        impl $crate::wire::Wire<$Message> for $Type {
            fn encode(&self) -> $Message {
                let Self { user, room, page: PageQuery { limit, cursor } } = self;
                $Message { user: user.encode(), room: room.encode(), limit: *limit, cursor: cursor.encode() }
            }

            fn decode(message: $Message) -> $crate::wire::Result<Self> {
                use $crate::wire::field;
                let $Message { user, room, limit, cursor } = message;
                let page = PageQuery { limit, cursor: field("cursor", cursor)? };
                Ok(Self { user: field("user", user)?, room: field("room", room)?, page })
            }
        }
    )*};
}
pub(super) use page_of_room;

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// At most so many items, 1 to 200.
    pub limit: u32,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}
