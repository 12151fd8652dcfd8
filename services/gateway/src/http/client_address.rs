//! The address of the client of a request: that of the connection, or what trusted proxies say of it.
//!
//! A proxy appends to a header who spoke to it. So the entries at the right are the proxies' word, one for each, and
//! what stands further left is the client's own: it counts for nothing, whatever it holds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName, header};

use crate::settings::ForwardedHeader;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who stands in front of this gateway, and how it says who speaks to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proxies {
    /// How many there are. Of none, no header is believed.
    pub(crate) trusted: usize,
    pub(crate) header: ForwardedHeader,
}

/// The address of the client of a request, as an extension of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAddress {
    pub(crate) ip: IpAddr,
    /// It is that of the connection's other end, which proxies stand at where there are any.
    pub(crate) is_peer: bool,
}

impl ClientAddress {
    /// The address of the client of a request that came from `peer`.
    pub(crate) fn of(headers: &HeaderMap, peer: IpAddr, proxies: Proxies) -> Self {
        match forwarded(headers, proxies) {
            Some(ip) => Self { ip, is_peer: false },
            // On a listener for both, IPv4 addresses have the form of IPv6.
            None => Self { ip: peer.to_canonical(), is_peer: true },
        }
    }
}

/// The address that the outermost trusted proxy saw: the header's nth entry from the right.
fn forwarded(headers: &HeaderMap, proxies: Proxies) -> Option<IpAddr> {
    let nth = proxies.trusted.checked_sub(1)?;
    let address = match proxies.header {
        ForwardedHeader::XForwardedFor if headers.contains_key(X_FORWARDED_FOR) => {
            // Bytes, not text: a client's entry that is no text must not hide the line that a proxy appended to.
            let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
            let entry = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).nth(nth)?;
            node(std::str::from_utf8(entry).ok()?.trim())
        }
        ForwardedHeader::XForwardedFor | ForwardedHeader::Forwarded => nth_element(headers, nth),
    };
    address.map(|address| address.to_canonical())
}

/// The `for` of the nth element of `Forwarded` from the right. A line that is not as RFC 7239 has it says nothing, and
/// neither does what stands before it: a client could make it swallow what a proxy appended.
fn nth_element(headers: &HeaderMap, nth: usize) -> Option<IpAddr> {
    let mut left = nth;
    for line in headers.get_all(header::FORWARDED).iter().rev() {
        let elements = elements(line.to_str().ok()?)?;
        match elements.len().checked_sub(left + 1) {
            Some(index) => return elements.get(index)?.as_deref().and_then(node),
            None => left -= elements.len(),
        }
    }
    None
}

/// The `for` of each element of a line of `Forwarded` (RFC 7239, section 4); none where the line is malformed.
fn elements(line: &str) -> Option<Vec<Option<String>>> {
    let mut elements = vec![None];
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        // A list may have empty elements, and so may an element (RFC 9110, section 5.6.1).
        if let Some(after) = rest.strip_prefix([',', ';']) {
            if rest.starts_with(',') {
                elements.push(None);
            }
            rest = after.trim_start();
            continue;
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        if !is_token(name) {
            return None;
        }
        if name.eq_ignore_ascii_case("for") {
            // Twice in one element is forbidden.
            if elements.last_mut()?.replace(value).is_some() {
                return None;
            }
        }
        rest = after.trim_start();
        if !(rest.is_empty() || rest.starts_with([',', ';'])) {
            return None;
        }
    }
    Some(elements)
}

/// A token or a quoted string at the beginning of a text, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return is_token(value).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

/// A token of RFC 9110, section 5.6.2. Proxies write an IPv6 address or a port without the quotes that they need, so
/// that their characters pass too.
fn is_token(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

/// The address of a node, with or without its port: `203.0.113.9:40212`, `[2001:db8::7]:443`, `2001:db8::7`. None of a
/// node that is `unknown` or hidden behind an identifier.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let address = address.parse::<Ipv6Addr>().ok()?;
        return (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(address.into());
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, port) = text.split_once(':')?;
    let address = address.parse::<Ipv4Addr>().ok()?;
    is_port(port).then_some(address.into())
}

/// A port, or an identifier in its place (RFC 7239, section 6).
fn is_port(text: &str) -> bool {
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || (text.len() > 1 && text.starts_with('_') && is_token(text))
}

#[cfg(test)]
mod tests;
