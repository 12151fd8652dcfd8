//! Somebody with an account at the site.

/// A user of the site, who is the same user at Madang.
#[derive(Debug, Clone)]
pub struct Person {
    /// The primary key at the site: Madang's external id.
    pub id: u64,
    /// The name to log in by: unique.
    pub username: String,
    /// The name that others see.
    pub nickname: String,
    /// Where the image is, for those who have one.
    pub profile: Option<String>,
    /// The site's access token.
    pub access: String,
    /// The site's refresh token, which opens no socket.
    pub refresh: String,
}
