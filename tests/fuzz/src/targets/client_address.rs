//! The address of a client behind proxies. The first byte of an input says how many proxies there are, which header they
//! write and how; the rest is what the client itself writes into that header, one line for each of its lines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use madang_gateway::{ForwardedHeader, fuzzing::client_address};

use super::choice;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const CLIENT_BY_IPV6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9));
/// What the first proxy says of the second, and so on: those whom a client does not reach.
const INNER: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3)),
];

pub(crate) fn check(input: &[u8]) {
    let (how, lines) = choice(input);
    let trusted = usize::from(how & 0b11);
    let client = if how & 0b100 == 0 { CLIENT } else { CLIENT_BY_IPV6 };
    let (name, setting) = if how & 0b1000 == 0 {
        (HeaderName::from_static("x-forwarded-for"), ForwardedHeader::XForwardedFor)
    } else {
        (header::FORWARDED, ForwardedHeader::Forwarded)
    };
    let mut values: Vec<Vec<u8>> = lines.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    // Each proxy appends who spoke to it.
    let seen = [client].into_iter().chain(INNER).take(trusted);
    for (place, address) in seen.enumerate() {
        let entry = entry(address, setting, how & 0b1_0000 != 0);
        match values.last_mut() {
            Some(last) if how >> (5 + place) & 1 == 0 => {
                last.extend_from_slice(b", ");
                last.extend_from_slice(entry.as_bytes());
            }
            _ => values.push(entry.into_bytes()),
        }
    }
    let mut headers = HeaderMap::new();
    for value in values {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return };
        headers.append(name.clone(), value);
    }
    let peer = INNER[trusted.saturating_sub(1)];
    let found = client_address(&headers, peer, trusted, setting);
    match (trusted, setting) {
        (0, _) => assert_eq!(found, peer, "nobody is trusted"),
        (_, ForwardedHeader::XForwardedFor) => assert_eq!(found, client, "{headers:?}"),
        // A client can make a line malformed to which a proxy appends. Then nothing is known but who speaks to us.
        (_, ForwardedHeader::Forwarded) => {
            assert!(found == client || found == peer, "{found} of {headers:?}");
        }
    }
}

/// What a proxy writes of an address, with or without a port.
fn entry(address: IpAddr, setting: ForwardedHeader, has_port: bool) -> String {
    let node = match (address, has_port) {
        (IpAddr::V6(address), true) => format!("[{address}]:40212"),
        (IpAddr::V6(address), false) => format!("[{address}]"),
        (IpAddr::V4(address), true) => format!("{address}:40212"),
        (IpAddr::V4(address), false) => address.to_string(),
    };
    match setting {
        ForwardedHeader::XForwardedFor => node,
        ForwardedHeader::Forwarded => format!("proto=https;for=\"{node}\""),
    }
}
