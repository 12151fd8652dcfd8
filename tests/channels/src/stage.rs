//! Both systems, the same users and rooms in them, and a browser.

use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::{Browser, DjangoSite, Madang, Person, Room, Tab, View};

/// What the tests of one process share. A static is never dropped; what it started ends with the process.
static SHARED: OnceCell<Stage> = OnceCell::const_new();
/// The same for tests that break things, one after another.
static BREAKABLE: OnceCell<Mutex<Stage>> = OnceCell::const_new();

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The Django Channels site.
    Django,
    /// Madang.
    Madang,
}

impl Side {
    /// Its name in the front end's addresses and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Django => "django",
            Self::Madang => "madang",
        }
    }
}

/// Both systems and a browser.
#[derive(Debug)]
pub struct Stage {
    /// The Django site, where users sign up and log in.
    pub site: DjangoSite,
    /// Madang.
    pub madang: Madang,
    /// The browser.
    pub browser: Browser,
    /// Whose the rooms are.
    owner: Person,
}

impl Stage {
    /// The stage that this process's tests share: nobody ends anything on it.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(async || Self::start(1).await).await
    }

    /// A stage with two processes of each system, for one test at a time to break and to mend.
    pub async fn breakable() -> MutexGuard<'static, Self> {
        BREAKABLE.get_or_init(async || Mutex::new(Self::start(2).await)).await.lock().await
    }

    /// Starts so many processes of the site, and as many gateways.
    async fn start(processes: usize) -> Self {
        let (site, browser) = tokio::join!(DjangoSite::start(processes), Browser::start());
        let madang = Madang::start(processes, site.signer(), browser.origin()).await;
        for index in 0..processes {
            browser.serve(&system(Side::Django, index), &site.process(index).sockets()).await;
            browser.serve(&system(Side::Madang, index), &madang.sockets(index)).await;
        }
        let owner = site.sign_up("관리인", None).await;
        madang.put_user(&owner).await;
        Self { site, madang, browser, owner }
    }

    /// Signs somebody up, with an image.
    pub async fn person(&self, nickname: &str) -> Person {
        self.known(self.site.sign_up(nickname, Some("profiles/face.png")).await).await
    }

    /// Signs somebody up, without an image.
    pub async fn faceless_person(&self, nickname: &str) -> Person {
        self.known(self.site.sign_up(nickname, None).await).await
    }

    async fn known(&self, person: Person) -> Person {
        self.madang.put_user(&person).await;
        person
    }

    /// Makes a room.
    pub async fn room(&self, name: &str) -> Room {
        let id = self.site.create_room(name).await;
        let madang_id = self.madang.create_room(name, id, &self.owner).await;
        Room { id, madang_id }
    }

    /// Opens a tab with a token, or none, at the first process of a system.
    pub async fn open_with(
        &self,
        side: Side,
        person: &Person,
        token: Option<&str>,
        view: &View,
        name: &str,
    ) -> Tab {
        self.browser.open(&system(side, 0), person, token, view, name).await
    }

    /// Opens a tab with the user's token and waits for its socket to open.
    pub async fn open(&self, side: Side, person: &Person, view: &View, name: &str) -> Tab {
        self.open_at(side, 0, person, view, name).await
    }

    /// Opens a tab in a room and waits until everybody there has been told.
    pub async fn enter(&self, side: Side, person: &Person, room: &Room, name: &str) -> Tab {
        self.enter_at(side, 0, person, room, name).await
    }

    /// [`Self::enter`], at a process of the system, counted from 0.
    pub async fn enter_at(&self, side: Side, index: usize, person: &Person, room: &Room, name: &str) -> Tab {
        let tab = self.open_at(side, index, person, &View::room(room.id), name).await;
        tab.until_frame("response_type", "enter").await;
        tab
    }

    /// [`Self::open`], at a process of the system, counted from 0.
    pub async fn open_at(&self, side: Side, index: usize, person: &Person, view: &View, name: &str) -> Tab {
        let tab = self.browser.open(&system(side, index), person, Some(&person.access), view, name).await;
        tab.until_opened().await;
        tab
    }

    /// Sends a notice to a user, as the site's back end does it.
    pub async fn notify(&self, side: Side, person: &Person, notice: &Value) {
        match side {
            Side::Django => self.site.notify(person, notice).await,
            Side::Madang => self.madang.notify(person, notice).await,
        }
    }

    /// Has somebody who may do so invite a user to a room.
    pub async fn invite(&self, side: Side, room: &Room, person: &Person) {
        match side {
            Side::Django => self.site.invite(room.id, person).await,
            Side::Madang => self.madang.invite(room, &self.owner, person).await,
        }
    }

    /// The texts that are saved in a room.
    pub async fn saved(&self, side: Side, room: &Room) -> Vec<String> {
        match side {
            Side::Django => self.site.saved(room.id).await,
            Side::Madang => self.madang.kept(room, &self.owner).await,
        }
    }
}

/// The name of a process of a system in the front end's addresses.
fn system(side: Side, index: usize) -> String {
    format!("{}-{}", side.name(), index + 1)
}
