use http::{HeaderValue, header::FORWARDED};
use proptest::prelude::*;

use super::*;

const PEER: &str = "192.0.2.200";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn headers(name: &HeaderName, lines: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(name, HeaderValue::from_bytes(line).unwrap());
    }
    headers
}

fn seen(headers: &HeaderMap, trusted: usize, header: ForwardedHeader) -> IpAddr {
    ClientAddress::of(headers, address(PEER), Proxies { trusted, header }).ip
}

/// The address behind one proxy.
fn behind_one(name: &HeaderName, line: &str) -> IpAddr {
    seen(&headers(name, &[line.as_bytes()]), 1, ForwardedHeader::XForwardedFor)
}

#[test]
fn a_client_cannot_choose_its_address() {
    let headers = headers(&X_FORWARDED_FOR, &[b"6.6.6.6, 203.0.113.7", b"198.51.100.2"]);
    for (trusted, expected) in [(0, PEER), (1, "198.51.100.2"), (2, "203.0.113.7"), (4, PEER)] {
        assert_eq!(seen(&headers, trusted, ForwardedHeader::XForwardedFor), address(expected), "{trusted}");
    }
}

#[test]
fn each_form_of_an_address_in_x_forwarded_for_is_read() {
    for (entry, expected) in [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("203.0.113.9:40212", "203.0.113.9"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:443", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9:40212", "203.0.113.9"),
        ("unknown", PEER),
        ("", PEER),
        ("203.0.113.9,", PEER),
        ("203.0.113.9:", PEER),
        ("203.0.113.9:123456", PEER),
        ("203.0.113.9:80:80", PEER),
        ("[2001:db8::7", PEER),
        ("[203.0.113.9]:80", PEER),
        ("[2001:db8::7]443", PEER),
        ("203.0.113", PEER),
    ] {
        assert_eq!(behind_one(&X_FORWARDED_FOR, entry), address(expected), "{entry:?}");
    }
}

#[test]
fn each_form_of_forwarded_is_read() {
    for (line, expected) in [
        ("for=192.0.2.60", "192.0.2.60"),
        ("For=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ("by=203.0.113.43; FOR=\"192.0.2.60:47011\"", "192.0.2.60"),
        ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17"),
        ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
        ("for=\"192.0.2.43:_port\"", "192.0.2.43"),
        ("for=\"19\\2.0.2.43\"", "192.0.2.43"),
        ("for=\"[::ffff:192.0.2.43]\"", "192.0.2.43"),
        // Not as the standard has it, and often seen.
        ("for=192.0.2.43:47011", "192.0.2.43"),
        ("for=[2001:db8::7]:443", "2001:db8::7"),
        ("for=2001:db8::7", "2001:db8::7"),
        ("for=unknown", PEER),
        ("for=\"unknown\"", PEER),
        ("for=_hidden", PEER),
        ("for=\"_SEVKISEK:_p\"", PEER),
        ("for=\"\"", PEER),
        ("for=", PEER),
        ("proto=https", PEER),
        ("for=6.6.6.6;for=7.7.7.7", PEER),
        ("for=6.6.6.6,", PEER),
        ("for=\"6.6.6.6", PEER),
        ("for=\"6.6.6.6\"7", PEER),
        ("for=\"6.6.6.6\"by=x", PEER),
        ("for 6.6.6.6", PEER),
        (" ", PEER),
    ] {
        assert_eq!(behind_one(&FORWARDED, line), address(expected), "{line:?}");
    }
}

#[test]
fn elements_are_counted_from_the_right_over_all_lines() {
    let headers = headers(&FORWARDED, &[b"for=6.6.6.6, for=203.0.113.7", b"for=198.51.100.2;proto=https"]);
    for (trusted, expected) in [(0, PEER), (1, "198.51.100.2"), (2, "203.0.113.7"), (9, PEER)] {
        assert_eq!(seen(&headers, trusted, ForwardedHeader::XForwardedFor), address(expected), "{trusted}");
    }
}

/// A proxy that writes one header passes the other on as a client wrote it.
#[test]
fn of_two_headers_the_one_that_the_proxies_write_counts() {
    let mut both = headers(&X_FORWARDED_FOR, &[b"203.0.113.7"]);
    both.append(FORWARDED, HeaderValue::from_static("for=198.51.100.2"));
    assert_eq!(seen(&both, 1, ForwardedHeader::XForwardedFor), address("203.0.113.7"));
    assert_eq!(seen(&both, 1, ForwardedHeader::Forwarded), address("198.51.100.2"));
    both.remove(FORWARDED);
    assert_eq!(seen(&both, 1, ForwardedHeader::Forwarded), address(PEER));
}

#[test]
fn the_peer_of_a_listener_for_both_is_shown_as_ipv4() {
    let proxies = Proxies { trusted: 0, header: ForwardedHeader::XForwardedFor };
    let seen = ClientAddress::of(&HeaderMap::new(), address("::ffff:203.0.113.9"), proxies);
    assert_eq!(seen, ClientAddress { ip: address("203.0.113.9"), is_peer: true });
}

/// Bytes that a header may hold.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(&b"for=,;\"\\[]:. \tunkow_0123456789abcdef"[..]),
        1 => (0x20..=0xff_u8).prop_filter("a header has no DEL", |byte| *byte != 0x7f),
    ];
    prop::collection::vec(byte, 0..60)
}

proptest! {
    #[test]
    fn no_header_panics(lines in prop::collection::vec(header_bytes(), 0..4), trusted in 0..4_usize) {
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        for name in [&X_FORWARDED_FOR, &FORWARDED] {
            for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
                seen(&headers(name, &lines), trusted, header);
            }
        }
    }

    /// Whatever a client wrote before, it has the address that the proxy saw or, where its own word makes the header
    /// unreadable, the proxy's: never one of its choice.
    #[test]
    fn what_a_client_writes_before_does_not_choose_its_address(
        before in prop::collection::vec(header_bytes(), 0..3),
        own in header_bytes(),
        with_port in any::<bool>(),
        same_line in any::<bool>(),
    ) {
        let real = address("2001:db8:77::7");
        let (x_forwarded_for, forwarded) = if with_port {
            ("[2001:db8:77::7]:443", "for=\"[2001:db8:77::7]:443\";host=\"h:80\";proto=https")
        } else {
            ("2001:db8:77::7", "for=\"[2001:db8:77::7]\"")
        };
        for (name, appended) in [(&X_FORWARDED_FOR, x_forwarded_for), (&FORWARDED, forwarded)] {
            let mut lines = before.clone();
            if same_line {
                lines.push([own.as_slice(), b", ", appended.as_bytes()].concat());
            } else {
                lines.push(own.clone());
                lines.push(appended.as_bytes().to_vec());
            }
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            let seen = seen(&headers(name, &lines), 1, ForwardedHeader::XForwardedFor);
            let readable = !same_line || *name == X_FORWARDED_FOR;
            prop_assert!(seen == real || (!readable && seen == address(PEER)), "{name}: {seen}");
        }
    }
}
