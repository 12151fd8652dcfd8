//! Both systems, the same users and rooms in them, and a browser.

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{Browser, Person, Site, Tab, View};

/// What the tests of one process share. A static is never dropped; what it started ends with the process.
static SHARED: OnceCell<Stage> = OnceCell::const_new();

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The Django Channels site.
    Reference,
}

impl Side {
    /// Both, in the order in which they are compared.
    pub const ALL: [Self; 1] = [Self::Reference];

    /// Its name in the front end's addresses and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
        }
    }
}

/// Both systems and a browser.
#[derive(Debug)]
pub struct Stage {
    /// The reference site, where users sign up and log in.
    pub site: Site,
    /// The browser.
    pub browser: Browser,
}

impl Stage {
    /// The stage that this process's tests share: nobody ends anything on it.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(async || Self::start(1).await).await
    }

    /// Starts a stage whose site has so many processes.
    ///
    /// # Panics
    /// When something does not start.
    pub async fn start(site_processes: usize) -> Self {
        let (site, browser) = tokio::join!(Site::start(site_processes), Browser::start());
        browser.serve(Side::Reference.name(), &site.process(0).sockets()).await;
        Self { site, browser }
    }

    /// Signs somebody up, with an image.
    pub async fn person(&self, nickname: &str) -> Person {
        self.site.sign_up(nickname, Some("profiles/face.png")).await
    }

    /// Makes a room.
    pub async fn room(&self, name: &str) -> u64 {
        self.site.create_room(name).await
    }

    /// Opens a tab with a user's token and waits for its socket to open.
    pub async fn open(&self, side: Side, person: &Person, view: &View, name: &str) -> Tab {
        let tab = self.browser.open(side.name(), person, Some(&person.access), view, name).await;
        tab.until_opened().await;
        tab
    }

    /// Opens a tab in a room and waits until everybody there has been told.
    pub async fn enter(&self, side: Side, person: &Person, room: u64, name: &str) -> Tab {
        let tab = self.open(side, person, &View::room(room), name).await;
        tab.until_frame("response_type", "enter").await;
        tab
    }

    /// Sends a notice to a user, as the site's back end does it.
    pub async fn notify(&self, side: Side, person: &Person, notice: &Value) {
        match side {
            Side::Reference => self.site.notify(person, notice).await,
        }
    }
}
