//! Where the stories are told: a cluster and an all-in-one, each started once for all stories of this file's process.

use madang_client::Client;
use madang_e2e::{Backend, Stage, Standalone, fast_sends, keys, site_settings};
use madang_test_kit::{ClusterOptions, Program};
use tokio::sync::OnceCell;

/// A short grace, because the stories wait for it.
const GRACE: (&str, &str) = ("MADANG_PRESENCE_GRACE_SECONDS", "1");
/// A gateway serves the Channels contract where it is told to; the all-in-one does by itself.
const EDGE: (&str, &str) = ("MADANG_CHANNELS_EDGE", "true");
/// What the site's backend does here.
const SCOPES: [&str; 4] = ["users", "rooms", "messages", "notices"];

/// Two addresses at which one Madang is reached, and the backend of the site that embeds it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) backend: Backend,
}

/// Options of a cluster that accepts the site's tokens, and logs all that it can: a story looks for tokens there.
pub(crate) fn options() -> ClusterOptions {
    let settings = site_settings().into_iter().chain([GRACE, EDGE]);
    let options = settings
        .fold(fast_sends(), |options, (name, value)| options.with_setting(Program::Gateway, name, value));
    let programs = [Program::Auth, Program::MessageStore, Program::Gateway];
    programs
        .into_iter()
        .fold(options, |options, program| options.with_setting(program, "MADANG_LOG", "debug"))
}

/// The cluster that all stories share which break nothing.
pub(crate) async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE.get_or_init(|| Stage::start(options())).await
}

pub(crate) async fn two_gateways() -> Place {
    let stage = stage().await;
    let (first, second) = (stage.gateway(0), stage.gateway(1));
    let backend = Backend::new(stage, &first, &SCOPES).await;
    Place { first, second, backend }
}

pub(crate) async fn all_in_one() -> Place {
    static MADANG: OnceCell<Standalone> = OnceCell::const_new();
    let settings: Vec<_> = site_settings().into_iter().chain([GRACE, ("MADANG_DATA_DIR", "data")]).collect();
    let madang = MADANG.get_or_init(|| Standalone::start(Program::AllInOne, &settings)).await;
    let arguments: Vec<&str> =
        ["create", "--name", "site"].into_iter().chain(SCOPES.iter().flat_map(|s| ["--scope", s])).collect();
    let key = keys(Program::AllInOne, &arguments, "MADANG_DATA_DIR", &madang.directory().join("data")).await;
    let base = madang.service.base_url();
    Place { backend: Backend::with_key(&base, key.trim()), first: base.clone(), second: base }
}

impl Place {
    /// A client without a token.
    pub(crate) fn guest(&self) -> Client {
        Client::new(&self.first).expect("an address of the place")
    }
}

/// Tells each story, a function of the module `stories`, at both places.
macro_rules! at_both {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            #[tokio::test]
            async fn on_two_gateways() {
                super::stories::$story(crate::places::two_gateways().await).await;
            }

            #[tokio::test]
            async fn on_the_all_in_one() {
                super::stories::$story(crate::places::all_in_one().await).await;
            }
        }
    )*};
}

pub(crate) use at_both;
