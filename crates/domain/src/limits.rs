//! The bounds of the public contract, by default. Each has its unit in its name.

/// The characters of one message's text.
pub const MESSAGE_TEXT_MAX_CHARS: usize = 4_000;
/// The bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_MAX_BYTES: usize = 64;
/// The characters of a username.
pub const USERNAME_MAX_CHARS: usize = 32;
/// The characters of a display name.
pub const DISPLAY_NAME_MAX_CHARS: usize = 64;
/// The characters of a user's status.
pub const STATUS_MAX_CHARS: usize = 100;
/// The characters of a room's name.
pub const ROOM_NAME_MAX_CHARS: usize = 100;
/// The bytes of a room's slug.
pub const SLUG_MAX_BYTES: usize = 64;
/// The seconds for which a room lets its members edit what they have sent, at most: a year.
pub const EDIT_WINDOW_MAX_S: u32 = 31_536_000;
/// The characters of what a room is about.
pub const ROOM_TOPIC_MAX_CHARS: usize = 150;
/// The bytes of an avatar's address.
pub const AVATAR_URL_MAX_BYTES: usize = 1_024;
/// The bytes of one frame that a client sends.
pub const FRAME_MAX_BYTES: usize = 64 * 1024;
/// The rooms of one `subscribe`.
pub const SUBSCRIBE_MAX_ROOMS: usize = 100;
/// The events replayed to one subscription; past it the client pages history.
pub const REPLAY_MAX_EVENTS: u32 = 500;
/// The items of one page of a list.
pub const PAGE_MAX_ITEMS: u32 = 200;
/// The items of one page of a list where the caller names no limit.
pub const PAGE_DEFAULT_ITEMS: u32 = 50;
/// The bytes of the texts and of what else is said in the events of one page of a log, as they are stored. A page has at
/// least one event, however large, and ends where the next one does not fit: then there is more, though the page has
/// fewer items than were asked for.
pub const PAGE_MAX_BYTES: usize = 64 * 1024;
/// The bytes of what a user or a room is called at the embedding site.
pub const EXTERNAL_ID_MAX_BYTES: usize = 128;
/// The bytes of a notice's data.
pub const NOTICE_DATA_MAX_BYTES: usize = 16 * 1024;
/// The members that one message mentions; further names are text.
pub const MENTIONS_MAX: usize = 20;
/// The bytes of a message's metadata.
pub const METADATA_MAX_BYTES: usize = 4 * 1024;
/// The messages that are pinned in one room.
pub const ROOM_PINS_MAX: u64 = 100;
/// The different emoji with which users react to one message.
pub const MESSAGE_REACTIONS_MAX: usize = 20;
/// The bytes of the name between the colons of an emoji that the site defines.
pub const EMOJI_NAME_MAX_BYTES: usize = 32;
/// The former texts of one message that are kept; an edit beyond them drops the oldest.
pub const REVISIONS_MAX: u32 = 100;
/// The characters of the text that a reply shows of the message that it answers.
pub const EXCERPT_MAX_CHARS: usize = 100;
/// The characters of what one search looks for.
pub const SEARCH_QUERY_MAX_CHARS: usize = 200;
/// The rooms that one search looks into; of a user with more, those with the latest activity.
pub const SEARCH_ROOMS_MAX: u32 = 1_000;
/// The places in one message that a search names; further ones are left out.
pub const SEARCH_RANGES_MAX: usize = 100;
/// The users whom the root of a thread names as those who wrote in it.
pub const THREAD_BY_MAX: usize = 5;
/// The users who follow one thread. Who writes in it beyond them does not follow it.
pub const THREAD_FOLLOWERS_MAX: u32 = 1_000;

/// The threads that a user follows at once. Beyond it, the one in which nobody has written for the longest time is followed no
/// more: a list of them is sorted as a whole for each page.
pub const THREADS_FOLLOWED_MAX: u32 = 1_000;
/// The users whom one user has blocked.
pub const BLOCKED_USERS_MAX: u32 = 1_000;
/// The members named when a room is made.
pub const ROOM_INITIAL_MEMBERS_MAX: usize = 100;
/// The characters of an attachment's media type.
pub const MEDIA_TYPE_MAX_CHARS: usize = 255;
/// The bytes of an attachment's file name.
pub const FILE_NAME_MAX_BYTES: usize = 255;
/// The bytes of an attachment's address.
pub const ATTACHMENT_URL_MAX_BYTES: usize = 2_048;
/// The bytes of one uploaded file, where the setting does not say otherwise.
pub const FILE_MAX_BYTES: u64 = 25 * 1024 * 1024;
/// The files that one message points to.
pub const ATTACHMENTS_MAX: usize = 10;
/// The seconds of the longest pause between two messages of a member in slow mode: six hours.
pub const SLOW_MODE_MAX_S: u32 = 6 * 60 * 60;
/// The characters of the reason of a ban or a mute.
pub const REASON_MAX_CHARS: usize = 500;
/// The users who are banned from one room, and the users who are muted in it: so many of each.
pub const ROOM_RESTRICTIONS_MAX: u64 = 10_000;
/// The invitation links of one room that can be used.
pub const ROOM_INVITATIONS_MAX: u64 = 50;
/// How often one invitation link can be used, where it says how often.
pub const INVITATION_USES_MAX: u32 = 10_000;
/// The days after which an invitation link expires where its maker names no time.
pub const INVITATION_DEFAULT_DAYS: u64 = 7;
/// The days after which an invitation link expires at the latest.
pub const INVITATION_MAX_DAYS: u64 = 366;
/// The words of one list that are not accepted.
pub const WORDS_MAX: usize = 500;
/// The letters of all of them together, as they are compared: a Korean syllable has two to four.
pub const WORD_LETTERS_MAX: usize = 20_000;
/// The characters of one of them.
pub const WORD_MAX_CHARS: usize = 64;
/// The latest notices of an inbox among which mentions in a room are counted.
pub const MENTIONS_COUNTED_MAX: u32 = 1_000;
/// The members of a room whose read marks are told one by one; of a larger room so many of the latest marks are told.
pub const READ_MARKS_MAX: u32 = 100;
/// The seconds that a user waits between two exports: an hour.
pub const EXPORT_INTERVAL_S: u32 = 60 * 60;
/// The bytes of an invitation link's code, or of its id.
pub const INVITATION_CODE_MAX_BYTES: usize = 64;
