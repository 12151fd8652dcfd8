//! Which part of an address counts.

use std::net::{IpAddr, Ipv6Addr};

/// The bits of an IPv6 address that count: a subscriber has at least a /64 to choose from.
const IPV6_PREFIX_BITS: u32 = 64;

/// The part of an address that one subscriber has: an IPv4 address, or the /64 of an IPv6 address. An IPv4 address that is
/// written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
#[must_use]
pub fn subscriber_network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => {
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << (128 - IPV6_PREFIX_BITS))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subscriber_has_one_network() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            subscriber_network(ip("2001:db8:1:2:3:4:5:6")),
            subscriber_network(ip("2001:db8:1:2:ffff::1"))
        );
        assert_ne!(subscriber_network(ip("2001:db8:1:2::1")), subscriber_network(ip("2001:db8:1:3::1")));
        assert_eq!(subscriber_network(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_ne!(subscriber_network(ip("192.0.2.1")), subscriber_network(ip("192.0.2.2")));
    }
}
