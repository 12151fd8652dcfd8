//! Circles that are planted in small crates are found, and what is not a circle is not.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::{fs, path::Path};

use madang_structure::{Circle, Error, Level, circles_of};
use tempfile::TempDir;

/// A crate of these files.
fn plant(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    directory
}

fn circles(files: &[(&str, &str)]) -> Vec<Circle> {
    circles_of(&plant(files).path().join("lib.rs")).unwrap()
}

/// The modules of each circle among files.
fn among_files(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let circles = circles(files).into_iter().filter(|circle| circle.level == Level::Files);
    circles.map(|circle| circle.modules).collect()
}

const NONE: [Vec<String>; 0] = [];

#[test]
fn two_modules_that_import_one_another_are_a_circle() {
    let a = "use crate::b::B; pub struct A(B);";
    assert_eq!(
        among_files(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", a),
            ("b.rs", "use crate::a::A; pub struct B(A);")
        ]),
        [["a", "b"]]
    );
    assert_eq!(among_files(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", "pub struct B;")]), NONE);
}

#[test]
fn a_path_in_code_counts_as_an_import() {
    let files = |in_b| {
        among_files(&[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "use crate::b::B; pub struct A(B); impl A { pub fn new() -> Self { todo!() } } pub fn run() {}",
            ),
            ("b.rs", in_b),
        ])
    };
    for in_b in [
        "pub struct B; fn f() { crate::a::run(); }",
        "pub struct B; fn f() { super::a::A::new(); }",
        "use super::a; pub struct B; fn f() { a::run(); }",
        "pub struct B; fn f() -> Vec<crate::a::A> { Vec::new() }",
        "pub struct B; impl From<crate::a::A> for B { fn from(_: crate::a::A) -> Self { Self } }",
        "pub struct B; fn f() { use crate::a::run; run(); }",
        "pub struct B; fn f() { select! { x = 0..crate::a::run() => {} } }",
        "pub struct B; macro_rules! m { () => { $crate::a::run() } }",
        "#[derive(Serialize)] pub struct B { #[serde(with = \"crate::a::run\")] c: u8 }",
        "#[arg(value_parser = crate::a::run)] pub struct B;",
        "use crate::a::*; pub struct B;",
        "pub struct B; mod inline { use crate::a::A; }",
    ] {
        assert_eq!(files(in_b), [["a", "b"]], "{in_b}");
    }
    for in_b in [
        "pub struct B; fn f() { ::a::run(); }",
        "use other::a; pub struct B; fn f() { a::run(); }",
        "pub struct B; fn f() { let a = 1; x.a.run(); } // crate::a::run",
        "/// See [`crate::a::run`].\npub struct B;",
        "use crate::a; pub struct B;",
        "pub(in crate::a) struct B;",
        "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
        "pub struct B; #[cfg(test)] impl B { fn a() { crate::a::run(); } }",
        "pub struct B; #[cfg(all(test, unix))] use crate::a::A;",
    ] {
        assert_eq!(files(in_b), NONE, "{in_b}");
    }
}

#[test]
fn a_re_export_is_seen_through() {
    let store = ("store/mod.rs", "mod error; pub(crate) use error::StoreError; pub trait Store {}");
    let page = ("page.rs", "use crate::store::StoreError; pub struct Page(StoreError);");
    let root = ("lib.rs", "mod page; mod store;");
    let circle = ("store/error.rs", "use crate::page::Page; pub struct StoreError(Page);");
    assert_eq!(among_files(&[root, store, page, circle]), [["page", "store::error"]]);
    assert_eq!(among_files(&[root, store, page, ("store/error.rs", "pub struct StoreError;")]), NONE);
    // Also under another name, and through two of them.
    let renamed = ("lib.rs", "mod page; mod store; pub use store::Renamed; pub use page::Page;");
    let store = ("store/mod.rs", "mod error; pub use error::StoreError as Renamed;");
    let page = ("page.rs", "use crate::Renamed; pub struct Page(Renamed);");
    let circle = ("store/error.rs", "pub struct StoreError(crate::Page);");
    assert_eq!(among_files(&[renamed, store, page, circle]), [["page", "store::error"]]);
    // And through a glob.
    let root = ("lib.rs", "mod page; mod store; pub use store::*;");
    let store = ("store/mod.rs", "mod error; pub use error::*;");
    let page = ("page.rs", "pub struct Page(crate::StoreError);");
    let circle = ("store/error.rs", "pub struct StoreError(crate::page::Page);");
    assert_eq!(among_files(&[root, store, page, circle]), [["page", "store::error"]]);
}

#[test]
fn a_parent_and_a_child_are_a_circle_when_each_uses_what_the_other_defines() {
    let child = ("hub/shard.rs", "use super::Hub; pub struct Shard(Hub);");
    let root = ("lib.rs", "mod hub;");
    assert_eq!(
        among_files(&[root, ("hub/mod.rs", "mod shard; use shard::Shard; pub struct Hub(Shard);"), child]),
        [["hub", "hub::shard"]]
    );
    assert_eq!(
        among_files(&[root, ("hub/mod.rs", "mod shard; pub struct Hub(self::shard::Shard);"), child]),
        [["hub", "hub::shard"]]
    );
    // A parent that uses what it re-exports uses its child.
    assert_eq!(
        among_files(&[
            root,
            ("hub/mod.rs", "mod shard; pub use shard::Shard; pub struct Hub(Shard);"),
            child
        ]),
        [["hub", "hub::shard"]]
    );
    // To declare and to re-export is to use nothing.
    assert_eq!(
        among_files(&[root, ("hub/mod.rs", "mod shard; pub use shard::Shard; pub struct Hub;"), child]),
        NONE
    );
    // The child may use what the parent only passes on.
    let facade = ("hub/mod.rs", "mod shard; mod room; use room::Room; fn f() { shard::f(Room); }");
    let child = ("hub/shard.rs", "use super::*; pub fn f(_: Room) {}");
    assert_eq!(among_files(&[root, facade, child, ("hub/room.rs", "pub struct Room;")]), NONE);
}

#[test]
fn a_macro_of_the_parent_is_an_item_of_it() {
    let files = |child| {
        let parent = "macro_rules! twice { () => {} } mod child; fn f() { child::g(); }";
        among_files(&[("lib.rs", "mod parent;"), ("parent.rs", parent), ("parent/child.rs", child)])
    };
    assert_eq!(files("pub fn g() { twice!(); }"), [["parent", "parent::child"]]);
    assert_eq!(files("pub fn g() { vec![1]; }"), NONE);
}

#[test]
fn a_circle_through_a_third_module_is_found_with_its_places() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "use crate::c::{\n    C,\n};\npub struct B(C);"),
        ("c.rs", "pub struct C;\nfn f() -> crate::a::A { todo!() }"),
        ("d.rs", "use crate::{a::A, b::B};"),
    ];
    let found = circles(&files);
    let [circle] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(circle.modules, ["a", "b", "c"]);
    assert_eq!(circle.shortest, ["a", "b", "c", "a"]);
    let text = circle.to_string();
    for line in ["a.rs:1  crate::b::B", "b.rs:2  crate::c::C", "c.rs:2  crate::a::A"] {
        assert!(text.contains(line), "{text}");
    }
    let cut = [files[0], files[1], files[2], ("c.rs", "pub struct C;"), files[4]];
    assert_eq!(circles(&cut), []);
}

#[test]
fn trees_that_need_one_another_are_a_circle_though_their_files_are_not() {
    let files = |outbox| {
        circles(&[
            ("lib.rs", "mod hub; mod session;"),
            ("hub/mod.rs", "mod topic; pub use topic::Topic;"),
            ("hub/topic.rs", outbox),
            ("session/mod.rs", "mod native; mod outbox; pub use outbox::Outbox;"),
            ("session/native.rs", "use crate::hub::Topic; struct Native(Topic);"),
            ("session/outbox.rs", "pub struct Outbox;"),
        ])
    };
    let found = files("use crate::session::Outbox; pub struct Topic(Outbox);");
    let [circle] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (circle.level, &circle.modules[..]),
        (Level::Trees, &["hub".to_owned(), "session".to_owned()][..])
    );
    assert_eq!(circle.ties.len(), 2);
    assert_eq!(files("pub struct Topic;"), []);
}

#[test]
fn modules_are_found_where_the_compiler_finds_them() {
    let b = "use super::A; pub struct B(A);";
    for files in [
        [("lib.rs", "mod a;"), ("a.rs", "mod b; pub struct A(b::B);"), ("a/b.rs", b)],
        [("lib.rs", "mod a;"), ("a/mod.rs", "mod b; pub struct A(b::B);"), ("a/b/mod.rs", b)],
        [("lib.rs", "mod a;"), ("a.rs", "#[path = \"c.rs\"] mod b; pub struct A(b::B);"), ("c.rs", b)],
        [("lib.rs", "#[path = \"x/y.rs\"] mod a;"), ("x/y.rs", "mod b; pub struct A(b::B);"), ("x/b.rs", b)],
    ] {
        assert_eq!(among_files(&files), [["a", "a::b"]], "{files:?}");
    }
    // An inline module belongs to its file, and its children have a directory of its name.
    let inline = "pub mod a { mod b; pub struct A(b::B); }";
    assert_eq!(among_files(&[("lib.rs", inline), ("a/b.rs", b)]), [["crate", "a::b"]]);
    let within = "pub struct A(inline::B); mod inline { use super::A; pub struct B(A); }";
    assert_eq!(among_files(&[("lib.rs", within)]), NONE);
}

#[test]
fn names_that_cannot_be_followed_belong_to_the_module_of_the_path() {
    let files = |in_id| {
        let error = "use crate::id::RoomId; pub struct Error(RoomId);";
        among_files(&[("lib.rs", "mod error; mod id;"), ("error.rs", error), ("id.rs", in_id)])
    };
    assert_eq!(files("use crate::error::Error; uuid_id!(RoomId);"), [["error", "id"]]);
    assert_eq!(files("uuid_id!(RoomId);"), NONE);
    // Re-exports of themselves and of one another end.
    assert_eq!(files("use a::b; use b::a; pub use a::a; fn f() { a(); b(); }"), NONE);
    assert_eq!(files("pub use crate::id::RoomId; pub use self::*;"), NONE);
}

#[test]
fn one_word_can_name_a_module_and_a_function() {
    let files = |start| {
        let root = "mod other; mod start; pub use start::start; pub struct Deps;";
        let other = "pub fn f() { crate::start(); }";
        among_files(&[("lib.rs", root), ("start.rs", start), ("other.rs", other)])
    };
    assert_eq!(files("pub fn start() { crate::other::f(); }"), [["other", "start"]]);
    assert_eq!(files("pub fn start() {}"), NONE);
}

#[test]
fn a_local_variable_is_no_function_of_that_name() {
    let parent = |body: &str| format!("mod open; pub use open::open; pub struct Parent; fn f() {{ {body} }}");
    let files = |body: &str| {
        let parent = parent(body);
        let child = "pub fn open(_: super::Parent) {}";
        among_files(&[("lib.rs", "mod parent;"), ("parent.rs", &parent), ("parent/open.rs", child)])
    };
    assert_eq!(files("open(Parent);"), [["parent", "parent::open"]]);
    assert_eq!(files("let open = 1; g(open);"), NONE);
}

#[test]
fn what_is_missing_is_an_error() {
    let read = |files: &[(&str, &str)]| circles_of(&plant(files).path().join("lib.rs")).unwrap_err();
    assert!(matches!(read(&[("lib.rs", "mod a;")]), Error::NoFile { name, .. } if name == "a"));
    assert!(matches!(read(&[("lib.rs", "mod a;"), ("a.rs", "fn (")]), Error::Malformed { .. }));
    assert!(matches!(circles_of(Path::new("nowhere/lib.rs")), Err(Error::Unreadable { .. })));
}
