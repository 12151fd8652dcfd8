//! `madangctl` against a running all-in-one, as somebody at a terminal or a script uses it.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a story that cannot go on ends with a message")]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use madang_domain::Seq;
use madang_e2e::{PATIENCE, Person, Standalone, eventually, keys, public_room, within};
use madang_test_kit::{Program, binaries_directory, data_directory, free_address};
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, process::Command};

/// A server with its data, and somebody's home.
struct Stage {
    madang: Standalone,
    data: tempfile::TempDir,
}

/// What a call said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.good()).expect("JSON")
    }
}

impl Stage {
    async fn start() -> Self {
        let data = data_directory("madangctl").expect("a directory");
        let directory = data.path().join("data").display().to_string();
        let settings = [
            ("MADANG_DATA_DIR", directory.as_str()),
            ("MADANG_SENDS_PER_SECOND", "1000"),
            ("MADANG_SENDS_BURST", "1000"),
        ];
        Self { madang: Standalone::start(Program::AllInOne, &settings).await, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binaries_directory().expect("the binaries").join("madangctl"));
        command.args(arguments).env_clear().env("HOME", self.data.path());
        command.env("MADANGCTL_URL", self.madang.service.base_url());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.command(arguments).spawn().expect("madangctl is built");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = within(PATIENCE, "madangctl", child.wait_with_output()).await.expect("an end");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "").await
    }

    /// An API key in a file.
    async fn key(&self, scopes: &[&str]) -> String {
        let mut arguments = vec!["create", "--name", "ctl"];
        scopes.iter().for_each(|scope| arguments.extend(["--scope", scope]));
        let key = keys(Program::AllInOne, &arguments, "MADANG_DATA_DIR", &self.path("data")).await;
        let file = self.path("key");
        std::fs::write(&file, key).unwrap();
        file.display().to_string()
    }

    /// Somebody who is signed in, and a room of theirs.
    async fn sign_in(&self) -> (Person, madang_client::Room) {
        let mina = Person::register(self.madang.service.base_url(), "mina").await;
        let room = public_room(&mina, "Courtyard", &[]).await;
        self.run_with(&["login", &mina.username], mina.password()).await.good();
        (mina, room)
    }
}

#[tokio::test]
async fn a_user_signs_in_and_looks_around() {
    let stage = Stage::start().await;
    let refused = stage.run(&["whoami"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("error: nobody is signed in") && refused.err.contains("help: sign in"),
        "{}",
        refused.err
    );
    let wrong = stage.run_with(&["login", "nobody"], "not the password\n").await;
    assert_eq!(wrong.code, Some(1), "{}", wrong.err);

    let (mina, room) = stage.sign_in().await;
    let file = stage.path(".config/madangctl/session.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "nobody else reads the session");
    let me = stage.run(&["whoami", "--output", "json"]).await.json();
    assert_eq!(me["id"], mina.id.to_string());

    // Tabs and no colours for programs; columns and a head for people.
    let listed = stage.run(&["rooms", "list"]).await.good();
    let cells: Vec<&str> = listed.trim_end().split('\t').collect();
    assert_eq!(cells[..4], ["Courtyard", "-", "public", "1"], "{listed:?}");
    let coloured = stage.run(&["rooms", "list", "--color", "always"]).await.good();
    assert!(coloured.starts_with("\u{1b}[1mNAME") && coloured.contains("Courtyard  -"), "{coloured:?}");
    let shown = stage.run(&["rooms", "show", &room.id.to_string()]).await.good();
    assert!(shown.contains("last seq") && shown.contains("owner") && !shown.contains('\u{1b}'), "{shown}");
    let absent = stage.run(&["rooms", "show", "nowhere"]).await;
    assert!(absent.err.contains("404 not_found") && absent.err.contains("help:"), "{}", absent.err);

    stage.run(&["logout"]).await.good();
    assert!(!file.exists());
}

#[tokio::test]
async fn a_token_that_ends_soon_is_renewed() {
    let stage = Stage::start().await;
    let (mina, _) = stage.sign_in().await;
    let file = stage.path(".config/madangctl/session.json");
    let mut known: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let before = known["refresh_token"].clone();
    known["expires_at"] = 1.into();
    std::fs::write(&file, known.to_string()).unwrap();
    let me = stage.run(&["whoami", "-o", "json"]).await.json();
    assert_eq!(me["username"], mina.username.as_str());
    let known: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_ne!(known["refresh_token"], before);
}

#[tokio::test]
async fn messages_are_sent_and_followed_over_a_restart() {
    let stage = Stage::start().await;
    let (_, room) = stage.sign_in().await;
    let id = room.id.to_string();
    stage.run(&["send", &id, "before", "--key", "k1"]).await.good();
    let again = stage.run(&["send", &id, "before", "--key", "k1"]).await.good();
    assert!(again.contains("had been sent before"), "{again}");

    let state = stage.path("place").display().to_string();
    let following = stage
        .command(&["tail", &id, "--count", "4", "--state", &state, "-o", "json"])
        .spawn()
        .expect("madangctl is built");
    // It is there once it has noted where it is.
    eventually(PATIENCE, "the first message", async || Path::new(&state).exists().then_some(())).await;
    stage.run_with(&["send", &id], "one\n\ntwo\n").await.good();
    stage.madang.service.kill9().await.expect("a kill");
    stage.madang.service.restart().await.expect("a restart");
    stage.run(&["send", &id, "three"]).await.good();
    let output = within(PATIENCE, "four messages", following.wait_with_output()).await.expect("an end");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let texts: Vec<&str> = lines
        .iter()
        .filter(|line| line["type"] == "message")
        .map(|line| line["message"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["before", "one", "two", "three"]);
    assert!(lines.iter().any(|line| line["type"] == "disconnected"), "{text}");

    // A later call goes on where that one ended.
    stage.run(&["send", &id, "four"]).await.good();
    let rest = stage.run(&["tail", &id, "--count", "1", "--state", &state]).await.good();
    assert!(rest.contains("mina  four") && !rest.contains("three"), "{rest}");
    let last = stage.run(&["tail", &id, "--count", "2", "--lines", "2"]).await.good();
    assert!(last.contains("three") && last.contains("four"), "{last}");
}

#[tokio::test]
async fn a_site_manages_users_and_rooms_with_an_api_key() {
    let stage = Stage::start().await;
    let key = stage.key(&["users", "rooms", "messages"]).await;
    let with_key = async |arguments: &[&str]| {
        stage.run(&[&["--api-key-file", &key, "-o", "json"], arguments].concat()).await
    };
    let refused = stage.run(&["users", "put", "ext:7"]).await;
    assert!(
        refused.err.contains("needs an API key") && refused.err.contains("keys create"),
        "{}",
        refused.err
    );
    let user = with_key(&["users", "put", "ext:7", "--username", "mina", "--name", "Mina"]).await.json();
    assert_eq!((&user["name"], &user["external_id"]), (&"Mina".into(), &"7".into()));
    with_key(&["users", "put", "ext:a/b c"]).await.json();
    let create = ["rooms", "create", "Court", "--owner", "ext:7", "--slug", "court", "--external-id", "c1"];
    let room = with_key(&create).await.json();
    assert_eq!(with_key(&create).await.json()["id"], room["id"], "it is made once");
    with_key(&["rooms", "add", "court", "ext:a/b c", "--role", "moderator"]).await.json();
    let sent = with_key(&["send", "court", "hello", "--as", "ext:7"]).await.json();
    assert_eq!(sent["duplicate"], false);
    with_key(&["rooms", "remove", "ext:c1", "ext:a/b c"]).await.good();
    with_key(&["users", "disconnect", "ext:7"]).await.good();
    let narrow = stage.key(&["messages"]).await;
    let denied = stage.run(&["--api-key-file", &narrow, "users", "put", "ext:8"]).await;
    assert!(denied.err.contains("permission_denied") && denied.err.contains("scope"), "{}", denied.err);
}

/// The lines of an archive of a kind.
fn lines_of(path: &Path, kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("the archive");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["type"] == kind).collect()
}

#[tokio::test]
async fn rooms_go_from_one_server_to_another_once() {
    let (from, to) = tokio::join!(Stage::start(), Stage::start());
    let (mina, room) = from.sign_in().await;
    let joon = Person::register(from.madang.service.base_url(), "joon").await;
    joon.api.join(room.id).await.expect("a member");
    for number in 0..250 {
        let sender = if number % 3 == 0 { &joon } else { &mina };
        sender.api.send_message(room.id, &format!("마당 {number}"), None).await.expect("a send");
    }
    public_room(&mina, "Empty", &[]).await;

    // An export that is cut off goes on, and is then what it would have been.
    let (whole, cut) = (from.path("whole.jsonl"), from.path("cut.jsonl"));
    let (whole_name, cut_name) = (whole.display().to_string(), cut.display().to_string());
    from.run(&["export", "--all", "--to", &whole_name]).await.good();
    let bytes = std::fs::read(&whole).unwrap();
    for part in [10, 2, 1] {
        std::fs::write(&cut, &bytes[..bytes.len() / part - usize::from(part > 1)]).unwrap();
        from.run(&["export", "--all", "--to", &cut_name]).await.good();
        assert_eq!(std::fs::read(&cut).unwrap(), bytes, "one of {part} parts");
    }
    assert_eq!(lines_of(&whole, "message").len(), 250);
    assert_eq!(lines_of(&whole, "room").len(), 2);

    // An import that is repeated, with what it has noted and without, does nothing twice.
    let key = to.key(&["users", "rooms", "messages"]).await;
    let import = ["--api-key-file", &key, "-o", "json", "import", &whole_name];
    let first = to.run(&import).await.json();
    assert_eq!((&first["rooms"], &first["sent"], &first["repeated"]), (&2.into(), &250.into(), &0.into()));
    let noted = to.run(&import).await.json();
    assert_eq!((&noted["sent"], &noted["repeated"]), (&0.into(), &250.into()));
    std::fs::remove_file(from.path("whole.jsonl.state")).unwrap();
    let anew = to.run(&import).await.json();
    assert_eq!((&anew["sent"], &anew["repeated"]), (&0.into(), &250.into()), "by the keys alone");

    // Texts and senders are the same there, in the same order.
    let reader = Person::register(to.madang.service.base_url(), "reader").await;
    let rooms = reader.api.public_rooms(None, None).await.unwrap().items;
    let courtyard = rooms.iter().find(|room| room.name == "Courtyard").expect("the room");
    reader.api.join(courtyard.id).await.unwrap();
    let mut after = Seq::START;
    let mut there = Vec::new();
    loop {
        let page = reader.api.messages(courtyard.id, None, Some(after), Some(200)).await.unwrap();
        for message in page.items {
            after = message.seq;
            there.push((message.sender.name.to_string(), message.text.to_string()));
        }
        if !page.more {
            break;
        }
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let here: Vec<_> = lines_of(&whole, "message")
        .iter()
        .map(|line| (text(&line["message"]["sender"]["name"]), text(&line["message"]["text"])))
        .collect();
    assert_eq!(there, here);
}

/// Copies the files of a directory into another one, in place of those that are there.
fn copy_files(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let (from, to) = (file.path(), to.join(file.file_name()));
        if from.is_dir() {
            copy_files(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

#[tokio::test]
async fn an_export_does_not_go_on_after_a_restore() {
    let stage = Stage::start().await;
    let (mina, room) = stage.sign_in().await;
    let say = async |text: &str| mina.api.send_message(room.id, text, None).await.expect("a send");
    say("before the backup").await;
    let (data, backup) = (stage.path("data"), stage.path("backup"));
    stage.madang.service.stop().await.expect("an end");
    copy_files(&data, &backup);
    stage.madang.service.restart().await.expect("a restart");
    say("lost by the restore").await;

    let name = |path: &Path| path.display().to_string();
    let (whole, cut, fresh) = (stage.path("whole.jsonl"), stage.path("cut.jsonl"), stage.path("fresh.jsonl"));
    stage.run(&["export", "--all", "--to", &name(&whole)]).await.good();
    let text = std::fs::read_to_string(&whole).unwrap();
    let (unfinished, _) = text.trim_end().rsplit_once('\n').expect("more than a line");
    std::fs::write(&cut, format!("{unfinished}\n")).unwrap();

    stage.madang.service.stop().await.expect("an end");
    copy_files(&backup, &data);
    let mut new_epoch = Command::new(binaries_directory().unwrap().join("madang"));
    new_epoch.env_clear().env("MADANG_DATA_DIR", &data).arg("new-epoch");
    let output = new_epoch.output().await.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    stage.madang.service.restart().await.expect("a restart");
    say("in the place of the lost one").await;
    say("after the restore").await;

    // Neither where there is something to add, nor where all seems to be there.
    for file in [&cut, &whole] {
        let before = std::fs::read(file).unwrap();
        let refused = stage.run(&["export", "--all", "--to", &name(file)]).await;
        assert_eq!(refused.code, Some(1), "{}{}", refused.out, refused.err);
        assert!(refused.err.contains("epoch") && refused.err.contains("help: export everything anew"));
        assert_eq!(std::fs::read(file).unwrap(), before, "the file is left as it is");
    }
    stage.run(&["export", "--all", "--to", &name(&fresh)]).await.good();
    let texts: Vec<_> =
        lines_of(&fresh, "message").iter().map(|line| line["message"]["text"].clone()).collect();
    assert_eq!(texts, ["before the backup", "in the place of the lost one", "after the restore"]);
}

/// The texts of a public room, as a newcomer reads them.
async fn texts_of(stage: &Stage, room: &str, reader: &str) -> Vec<String> {
    let reader = Person::register(stage.madang.service.base_url(), reader).await;
    let rooms = reader.api.public_rooms(None, None).await.expect("rooms").items;
    let room = rooms.iter().find(|other| other.name == room).expect("the room");
    reader.api.join(room.id).await.expect("a member");
    let page = reader.api.messages(room.id, None, Some(Seq::START), Some(200)).await.expect("a page");
    assert!(!page.more);
    page.items.into_iter().map(|message| message.text.to_string()).collect()
}

/// Ends a server and starts it with the data of a backup.
async fn restore(stage: &Stage, backup: &Path) {
    stage.madang.service.stop().await.expect("an end");
    copy_files(backup, &stage.path("data"));
    stage.madang.service.restart().await.expect("a restart");
}

#[tokio::test]
async fn an_import_goes_on_after_a_restore_with_what_was_lost() {
    const MESSAGES: usize = 20;

    let (from, to) = tokio::join!(Stage::start(), Stage::start());
    let (mina, early) = from.sign_in().await;
    let late = public_room(&mina, "Late", &[]).await;
    let texts = |room: &str| (0..MESSAGES).map(|number| format!("{room} {number}")).collect::<Vec<_>>();
    for room in [&early, &late] {
        for text in texts(&room.name) {
            mina.api.send_message(room.id, &text, None).await.expect("a send");
        }
    }
    let name = |path: &str| from.path(path).display().to_string();
    let (whole, half, state) = (name("whole.jsonl"), name("half.jsonl"), name("state"));
    let (early, late) = (early.id.to_string(), late.id.to_string());
    from.run(&["export", &early, &late, "--to", &whole]).await.good();
    let key = to.key(&["users", "rooms", "messages"]).await;
    let import = async |file: &str| {
        let done = to.run(&["--api-key-file", &key, "-o", "json", "import", file, "--state", &state]).await;
        let done = done.json();
        ["rooms", "sent", "repeated"].map(|count| done[count].as_u64().unwrap())
    };

    // Half of the first room is there when the backup is made, and all of both rooms when it is restored.
    let text = std::fs::read_to_string(&whole).unwrap();
    let head = text.lines().position(|line| line.contains("\"message\"")).expect("a message");
    let begun: Vec<&str> = text.lines().take(head + MESSAGES / 2).collect();
    std::fs::write(&half, begun.join("\n")).unwrap();
    assert_eq!(import(&half).await, [1, 10, 0]);
    let backup = to.path("backup");
    to.madang.service.stop().await.expect("an end");
    copy_files(&to.path("data"), &backup);
    to.madang.service.restart().await.expect("a restart");
    assert_eq!(import(&whole).await, [1, 30, 10]);
    restore(&to, &backup).await;

    // Somebody writes into the place of a message that was lost, before the import goes on.
    let visitor = Person::register(to.madang.service.base_url(), "visitor").await;
    let room = visitor.api.public_rooms(None, None).await.expect("rooms").items.remove(0);
    visitor.api.join(room.id).await.expect("a member");
    for number in 0..MESSAGES {
        visitor.api.send_message(room.id, &format!("between {number}"), None).await.expect("a send");
    }
    assert_eq!(import(&whole).await, [1, 30, 10], "what was lost, and nothing twice");
    let mut there = texts_of(&to, "Courtyard", "reader").await;
    there.retain(|text| !text.starts_with("between"));
    assert_eq!(there, texts("Courtyard"));
    assert_eq!(texts_of(&to, "Late", "newcomer").await, texts("Late"));
    assert_eq!(import(&whole).await, [0, 0, 40]);
}

/// An ingress with TLS, as a fleet has one.
#[tokio::test]
async fn an_ingress_with_tls_is_spoken_to_by_its_certificate() {
    let stage = Stage::start().await;
    let (home, address) = (stage.data.path(), free_address().unwrap());
    let certificate = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.crt \
        -days 2 -subj /CN=ingress -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
    let made =
        Command::new("sh").args(["-c", certificate]).current_dir(home).output().await.expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let configuration = format!(
        "pid nginx.pid; error_log stderr; daemon off; master_process off; events {{}}
         http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fast;
         uwsgi_temp_path uwsgi; scgi_temp_path scgi;
         server {{ listen {address} ssl; ssl_certificate tls.crt; ssl_certificate_key tls.key;
         location / {{ proxy_pass {}; proxy_http_version 1.1; proxy_set_header Host $http_host;
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }} }} }}",
        stage.madang.service.base_url()
    );
    std::fs::write(home.join("nginx.conf"), configuration).unwrap();
    let mut nginx = Command::new("nginx");
    nginx
        .env("PATH", "/usr/sbin:/usr/bin:/usr/local/sbin")
        .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
        .arg(home);
    let _nginx = nginx.kill_on_drop(true).spawn().expect("nginx");
    eventually(PATIENCE, "the ingress", async || {
        tokio::net::TcpStream::connect(address).await.ok().map(drop)
    })
    .await;

    let mina = Person::register(stage.madang.service.base_url(), "mina").await;
    let room = public_room(&mina, "Courtyard", &[]).await.id.to_string();
    mina.api.send_message(room.parse().unwrap(), "hello", None).await.expect("a send");
    let (url, authority) = (format!("https://{address}"), home.join("tls.crt"));
    for arguments in [&["whoami"][..], &["tail", &room, "--count", "1"]] {
        let common = ["--url", &url, "--token", &mina.grant.access_token];
        let mut command = stage.command(&[&common, arguments].concat());
        let trusted =
            within(PATIENCE, "madangctl", command.env("SSL_CERT_FILE", &authority).output()).await.unwrap();
        let (out, err) = (String::from_utf8_lossy(&trusted.stdout), String::from_utf8_lossy(&trusted.stderr));
        assert!(trusted.status.success() && out.contains("mina"), "{arguments:?}: {out}{err}");
    }
    let guest = stage.run_with(&["--url", &url, "login", "mina"], "a password").await;
    assert!(guest.code == Some(1) && guest.err.contains("certificate"), "{}", guest.err);
}

#[tokio::test]
async fn what_a_newcomer_meets_is_helpful() {
    let stage = Stage::start().await;
    let help = stage.run(&["--help"]).await.good();
    for word in ["Examples:", "login", "tail", "export", "MADANGCTL_URL", "NO_COLOR"] {
        assert!(help.contains(word), "{word} is not in {help}");
    }
    let typo = stage.run(&["rooms", "lst"]).await;
    assert!(typo.code == Some(2) && typo.err.contains("'list'"), "{}", typo.err);
    let elsewhere = stage.run(&["--url", "http://127.0.0.1:1", "login", "mina"]).await;
    assert!(elsewhere.err.contains("no password"), "{}", elsewhere.err);
    let elsewhere = stage.run(&["--url", "http://127.0.0.1:1", "--token", "t", "logout"]).await;
    assert!(elsewhere.err.contains("nobody is signed in"), "{}", elsewhere.err);
    let bash = stage.run(&["completions", "bash"]).await.good();
    assert!(bash.contains("complete -F _madangctl"), "{bash}");
    let man = stage.run(&["man"]).await.good();
    assert!(man.contains(".TH madangctl 1") && man.contains("MADANGCTL_URL"), "{man}");
    let pages = stage.path("man");
    std::fs::create_dir(&pages).unwrap();
    stage.run(&["man", "--to", &pages.display().to_string()]).await.good();
    assert!(pages.join("madangctl-rooms-list.1").is_file(), "a page for each command");
}
