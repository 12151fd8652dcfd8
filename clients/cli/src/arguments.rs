//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Madang from a terminal: rooms, messages, users, export and import.
///
/// Sign in with `madangctl login NAME`, or give a token or an API key. An API key acts for a site: it makes users and
/// rooms and sends for anybody; it cannot read. A user's token reads what the user may read.
#[derive(Debug, Parser)]
#[command(name = "madangctl", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Arguments {
    /// The address of the server, as clients reach it
    #[arg(
        long,
        short,
        env = "MADANGCTL_URL",
        default_value = "http://127.0.0.1:8080",
        global = true,
        help_heading = "Server"
    )]
    pub url: String,

    /// A user's access token, instead of the one of `login`
    #[arg(
        long,
        env = "MADANGCTL_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        global = true,
        help_heading = "Server"
    )]
    pub token: Option<String>,

    /// An API key of the site, `mk_…`, for the commands that say so
    #[arg(
        long,
        env = "MADANGCTL_API_KEY",
        hide_env_values = true,
        value_name = "KEY",
        global = true,
        help_heading = "Server"
    )]
    pub api_key: Option<String>,

    /// A file that contains the API key and nothing else
    #[arg(
        long,
        env = "MADANGCTL_API_KEY_FILE",
        value_name = "FILE",
        conflicts_with = "api_key",
        global = true,
        help_heading = "Server"
    )]
    pub api_key_file: Option<PathBuf>,

    /// How results are printed
    #[arg(long, short, value_enum, default_value_t, global = true, help_heading = "Output")]
    pub output: Form,

    /// When colours are used. NO_COLOR switches them off, too
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", global = true, help_heading = "Output")]
    color: When,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The last lines of `--help`.
const EXAMPLES: &str = "\
Examples:
  madangctl login mina
  madangctl rooms list
  madangctl tail lobby
  echo 'deployed 1.4' | madangctl send ops -
  madangctl --api-key-file key rooms create Courtyard --owner ext:7 --kind public
  madangctl export --all --to rooms.jsonl

Environment:
  MADANGCTL_URL, MADANGCTL_TOKEN, MADANGCTL_API_KEY, MADANGCTL_API_KEY_FILE  as the options of the same names
  MADANGCTL_SESSION  the file of the session of login [default: ~/.config/madangctl/session.json]
  NO_COLOR           no colours, whatever the terminal";

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// Tables for people; without colours and lines where no terminal shows them
    #[default]
    Text,
    /// JSON: one document, or one line for each item of a stream
    Json,
}

/// When something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum When {
    #[default]
    Auto,
    Always,
    Never,
}

impl Arguments {
    /// Whether colours are wanted; none where it depends on the terminal.
    pub(crate) fn colour(&self) -> Option<bool> {
        match self.color {
            When::Auto => None,
            When::Always => Some(true),
            When::Never => Some(false),
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Signs in and remembers the session for this server
    Login {
        /// The username
        username: String,
    },
    /// Ends the remembered session
    Logout,
    /// Shows as whom the server is spoken to
    Whoami,
    /// Shows and manages users
    #[command(subcommand)]
    Users(Users),
    /// Shows and manages rooms
    #[command(subcommand)]
    Rooms(Rooms),
    /// Shows a room's last messages, and then each as it comes. It resumes after every loss of the connection
    Tail(Tail),
    /// Sends a message
    Send(Send),
    /// Writes rooms with their members and messages as JSON Lines. Repeated with the same file, it goes on where it ended
    Export(Export),
    /// Makes rooms and messages anew from such a file, by an API key with the scopes users, rooms and messages
    Import(Import),
    /// Prints the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Prints the man page, or writes those of all commands
    Man {
        /// The directory into which a page for each command is written
        #[arg(long, value_name = "DIRECTORY")]
        to: Option<PathBuf>,
    },
}

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum Users {
    /// Shows a user
    Show {
        /// The id of the user
        user: String,
    },
    /// Makes or changes a user (API key, scope users)
    Put {
        /// The user: an id, or ext: and the site's id
        user: String,
        /// The username
        #[arg(long)]
        username: Option<String>,
        /// The name to show
        #[arg(long)]
        name: Option<String>,
        /// The URL of the picture
        #[arg(long, value_name = "URL")]
        avatar_url: Option<String>,
    },
    /// Closes a user's sockets and ends the sessions (API key, scope users)
    Disconnect {
        /// The user: an id, or ext: and the site's id
        user: String,
    },
}

/// What to do with rooms.
#[derive(Debug, Subcommand)]
pub(crate) enum Rooms {
    /// Lists the user's rooms, the latest activity first
    List {
        /// The public rooms of which the user is not a member, instead
        #[arg(long)]
        public: bool,
        /// The most rooms
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
    /// Shows a room and its members
    Show {
        /// The id or slug of the room
        room: String,
    },
    /// Makes a room (API key, scope rooms)
    Create {
        /// The name
        name: String,
        /// The owner: an id, or ext: and the site's id
        #[arg(long, value_name = "USER")]
        owner: String,
        /// Who can find and join it: public or private; direct for two users
        #[arg(long, default_value = "private")]
        kind: String,
        /// The name of the room in URLs
        #[arg(long)]
        slug: Option<String>,
        /// The site's own id of the room. If there is such a room, it is the answer
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// A first member besides the owner; repeat it for more
        #[arg(long = "member", value_name = "USER")]
        members: Vec<String>,
    },
    /// Adds a member, or changes a role (API key, scope rooms)
    Add {
        /// The room: an id, a slug, or ext: and the site's id
        room: String,
        /// The user: an id, or ext: and the site's id
        user: String,
        /// The role: guest, member, moderator or owner
        #[arg(long)]
        role: Option<String>,
    },
    /// Removes a member (API key, scope rooms)
    Remove {
        /// The room: an id, a slug, or ext: and the site's id
        room: String,
        /// The user: an id, or ext: and the site's id
        user: String,
    },
}

/// How to follow a room.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// The id or slug of the room
    pub(crate) room: String,
    /// The messages of before to begin with
    #[arg(long, short = 'n', default_value_t = 10, value_name = "NUMBER", conflicts_with = "after")]
    pub(crate) lines: u64,
    /// Begin after this seq
    #[arg(long, value_name = "SEQ")]
    pub(crate) after: Option<u64>,
    /// End after so many messages
    #[arg(long, value_name = "NUMBER")]
    pub(crate) count: Option<u64>,
    /// A file that remembers the place: a later call with it goes on there
    #[arg(long, value_name = "FILE", conflicts_with = "after")]
    pub(crate) state: Option<PathBuf>,
}

/// What to send.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The room: an id or a slug; with --as also ext: and the site's id
    pub(crate) room: String,
    /// The text. Without it, or with -, each line of the standard input is a message
    pub(crate) text: Option<String>,
    /// Send for this user, by an API key with the scope messages: an id, or ext: and the site's id
    #[arg(long = "as", value_name = "USER")]
    pub(crate) sender: Option<String>,
    /// With --as: make the user a member first (scope rooms)
    #[arg(long, requires = "sender")]
    pub(crate) join: bool,
    /// The idempotency key: repeated with it, the message is sent once
    #[arg(long)]
    pub(crate) key: Option<String>,
}

/// What to export.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The ids or slugs of the rooms
    #[arg(required_unless_present = "all", value_name = "ROOM")]
    pub(crate) rooms: Vec<String>,
    /// All rooms of the user
    #[arg(long, conflicts_with = "rooms")]
    pub(crate) all: bool,
    /// The file. One that is there is continued; only - is not, which is the standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) to: PathBuf,
}

/// What to import.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file
    pub(crate) file: PathBuf,
    /// Where it is noted what is done [default: FILE.state]
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Take the users by their ids, as they are at this server, instead of making them anew
    #[arg(long)]
    pub(crate) keep_users: bool,
}
