//! Frames that violate RFC 6455: each closes with the code that the RFC has for it, in both dialects.

use crate::{
    raw::{End, RawSocket, frame},
    support::{PATIENCE, Services},
};

const RECEIVE_BUFFER_BYTES: u32 = 64 * 1024;
const PROTOCOL_ERROR: u16 = 1002;
const UNSUPPORTED: u16 = 1003;
const NOT_UTF8: u16 = 1007;
const TOO_LARGE: u16 = 1009;

/// A close with this code and reason.
fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason].concat())
}

/// What is sent, in the words of the RFC, and the code that is due.
fn violations() -> Vec<(String, Vec<u8>, u16)> {
    let text = br#"{"type":"ping"}"#;
    let mut violations: Vec<(String, Vec<u8>, u16)> = Vec::new();
    let mut add = |what: &str, bytes: Vec<u8>, code: u16| violations.push((what.to_owned(), bytes, code));

    // Section 5.1: a client's frames are masked.
    add("a text that is not masked", [&[0x81, text.len() as u8], &text[..]].concat(), PROTOCOL_ERROR);
    add("a ping that is not masked", vec![0x89, 0], PROTOCOL_ERROR);
    add("a close that is not masked", vec![0x88, 2, 0x03, 0xe8], PROTOCOL_ERROR);
    add("a binary frame that is not masked", vec![0x82, 1, 0], PROTOCOL_ERROR);

    // Section 5.2: reserved bits without an extension, reserved opcodes, the form of the length.
    for bits in [0x40, 0x20, 0x10, 0x70] {
        add(&format!("the reserved bits {bits:#x} of a text"), frame(0x81 | bits, text), PROTOCOL_ERROR);
        add(&format!("the reserved bits {bits:#x} of a ping"), frame(0x89 | bits, b""), PROTOCOL_ERROR);
    }
    for opcode in [0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        add(&format!("the reserved opcode {opcode:#x}"), frame(0x80 | opcode, b""), PROTOCOL_ERROR);
    }
    add("a reserved opcode with a payload", frame(0x83, text), PROTOCOL_ERROR);
    for length in [0_u16, 5, 125] {
        let header = [&[0x81, 0x80 | 126][..], &length.to_be_bytes(), &[0; 4], &vec![b' '; length.into()]];
        add(&format!("the length {length} in two bytes"), header.concat(), PROTOCOL_ERROR);
    }
    for length in [5_u64, 126, 65_535] {
        let header = [&[0x81, 0x80 | 127][..], &length.to_be_bytes(), &[0; 4]];
        add(&format!("the length {length} in eight bytes"), header.concat(), PROTOCOL_ERROR);
    }
    let negative = [&[0x81, 0x80 | 127, 0x80][..], &[0; 7], &[0; 4]].concat();
    add("a length whose first bit is set", negative, PROTOCOL_ERROR);

    // Section 5.4: fragments.
    add("a continuation without a beginning", frame(0x80, text), PROTOCOL_ERROR);
    add("a continuation that goes on, without a beginning", frame(0x00, text), PROTOCOL_ERROR);
    add("a text within a text", [frame(0x01, b"{"), frame(0x81, text)].concat(), PROTOCOL_ERROR);
    add("a beginning within a text", [frame(0x01, b"{"), frame(0x01, text)].concat(), PROTOCOL_ERROR);
    add("a binary frame within a text", [frame(0x01, b"{"), frame(0x82, text)].concat(), PROTOCOL_ERROR);
    let ended = [frame(0x01, br#"{"type""#), frame(0x80, br#":"ping"}"#), frame(0x80, b"x")].concat();
    add("a continuation behind the end", ended, PROTOCOL_ERROR);

    // Section 5.5: control frames.
    for (name, opcode) in [("close", 0x08), ("ping", 0x09), ("pong", 0x0a)] {
        add(&format!("a {name} in fragments"), frame(opcode, b""), PROTOCOL_ERROR);
        add(&format!("a {name} of 126 bytes"), frame(0x80 | opcode, &[0; 126]), PROTOCOL_ERROR);
        add(&format!("a {name} of 70,000 bytes"), frame(0x80 | opcode, &[0; 70_000]), PROTOCOL_ERROR);
    }

    // Section 7.4: the codes of a close; section 5.5.1: its reason.
    add("a close of one byte", frame(0x88, &[0x03]), PROTOCOL_ERROR);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        add(&format!("a close with {code}"), close(code, b""), PROTOCOL_ERROR);
    }
    add("a close whose reason is not UTF-8", close(1000, b"\xff\xfe"), NOT_UTF8);
    add("a close whose reason ends within a character", close(1000, b"\xea\xb0"), NOT_UTF8);

    // Section 8.1: a text is UTF-8, the whole of it.
    for (what, bytes) in [
        ("a byte that never is in UTF-8", &b"\xff"[..]),
        ("a continuation byte without a first one", b"\x80"),
        ("a form that is too long", b"\xc0\xaf"),
        ("half of a surrogate pair", b"\xed\xa0\x80"),
        ("a code point past the last", b"\xf4\x90\x80\x80"),
        ("a character that is cut", b"\xea\xb0"),
    ] {
        add(&format!("{what} in a text"), frame(0x81, bytes), NOT_UTF8);
        add(
            &format!("{what} over fragments"),
            [frame(0x01, &bytes[..1]), frame(0x80, &bytes[1..])].concat(),
            NOT_UTF8,
        );
    }
    let early = [frame(0x01, b"{\"type\":\"\xff"), frame(0x00, b"x")].concat();
    add("a wrong byte in a text that has not ended", early, NOT_UTF8);

    // What the RFC leaves to the server.
    add("a binary frame", frame(0x82, text), UNSUPPORTED);
    add("the beginning of a binary message", frame(0x02, text), UNSUPPORTED);
    add("a text over the bound", frame(0x81, &vec![b' '; 64 * 1024 + 1]), TOO_LARGE);
    let parts = [frame(0x01, &vec![b' '; 64 * 1024]), frame(0x80, b" ")].concat();
    add("fragments over the bound", parts, TOO_LARGE);
    let announced = [&[0x81, 0x80 | 127][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    add("a text of a terabyte that is announced", announced, TOO_LARGE);
    violations
}

#[tokio::test]
async fn what_violates_the_rfc_closes_with_the_rfcs_code() {
    let services = Services::start().await;
    // More sockets than a client opens, one after another: the rates are not what is tested.
    let gateway = services
        .gateway_with(|settings| {
            settings.channels.channels_edge = Some(true);
            settings.max_user_sockets = 10_000;
            settings.handshakes_burst = 10_000;
        })
        .await;
    let mina = services.user("mina").await;
    for path in ["/v1/ws", "/ws/chat/", "/ws/alarm/"] {
        for (what, bytes, code) in violations() {
            let mut socket =
                RawSocket::open(gateway.address(), path, Some(&mina.token), RECEIVE_BUFFER_BYTES).await;
            socket.send(&bytes).await;
            assert_eq!(socket.end(PATIENCE).await, End::Close(code), "{what} at {path}");
        }
    }
    // Before a credential, too; but for what stands behind a whole message, which had to be one.
    for (what, bytes, code) in violations().into_iter().filter(|(what, ..)| !what.ends_with("behind the end"))
    {
        let mut socket = RawSocket::open(gateway.address(), "/v1/ws", None, RECEIVE_BUFFER_BYTES).await;
        socket.send(&bytes).await;
        assert_eq!(socket.end(PATIENCE).await, End::Close(code), "{what} without a credential");
    }
}

/// Frames of every kind are counted; what carries no request costs no less.
#[tokio::test]
async fn a_flood_of_pings_or_of_fragments_closes_with_4429_and_a_burst_does_not() {
    const TOO_MANY: u16 = 4429;
    const BURST: usize = 300;
    const BEFORE_CREDENTIAL: usize = 32;
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let open = |token| RawSocket::open(gateway.address(), "/v1/ws", token, RECEIVE_BUFFER_BYTES);
    for (what, first, one) in [
        ("pings", Vec::new(), frame(0x89, b"")),
        ("pongs", Vec::new(), frame(0x8a, b"")),
        ("fragments", frame(0x01, b""), frame(0x00, b"")),
    ] {
        let mut socket = open(Some(mina.token.as_str())).await;
        socket.send(&[&first[..], &one.repeat(BURST - 2)].concat()).await;
        socket.send(&one.repeat(3 * BURST)).await;
        assert_eq!(socket.end(PATIENCE).await, End::Close(TOO_MANY), "{what}");
        let mut socket = open(None).await;
        socket.send(&[&first[..], &one.repeat(BEFORE_CREDENTIAL + 1)].concat()).await;
        assert_eq!(socket.end(PATIENCE).await, End::Close(TOO_MANY), "{what} without a credential");
    }
    let mut socket = open(Some(mina.token.as_str())).await;
    socket.send(&frame(0x89, b"").repeat(BURST - 2)).await;
    socket.send(&frame(0x81, br#"{"type":"ping","id":"lives"}"#)).await;
    socket.until_text(r#""re":"lives""#).await;
}

#[tokio::test]
async fn what_the_rfc_permits_is_answered() {
    let services = Services::start().await;
    let gateway = services.gateway().await;
    let mina = services.user("mina").await;
    let open = || RawSocket::open(gateway.address(), "/v1/ws", Some(&mina.token), RECEIVE_BUFFER_BYTES);
    let mut socket = open().await;
    let id = "가".as_bytes();
    // A text in fragments that cut a character, with control frames between them.
    socket.send(&frame(0x01, &[br#"{"type":"ping","id":""#, &id[..1]].concat())).await;
    socket.send(&frame(0x89, &[7; 125])).await;
    socket.send(&frame(0x00, b"")).await;
    socket.send(&frame(0x8a, b"nobody asked")).await;
    socket.send(&frame(0x80, &[&id[1..], br#""}"#].concat())).await;
    socket.until_text(r#""re":"가""#).await;
    // Byte by byte.
    for byte in frame(0x81, br#"{"type":"ping","id":"slow"}"#) {
        socket.send(&[byte]).await;
    }
    socket.until_text(r#""re":"slow""#).await;
    // A close is answered with its code.
    for code in [1000_u16, 1001, 1003, 1007, 1011, 1012, 3000, 4999] {
        let mut socket = open().await;
        socket.send(&close(code, "끝".as_bytes())).await;
        assert_eq!(socket.end(PATIENCE).await, End::Close(code));
    }
    let mut socket = open().await;
    socket.send(&frame(0x88, b"")).await;
    assert_eq!(socket.end(PATIENCE).await, End::Close(1005), "no code, as it came");
}
