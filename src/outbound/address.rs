//! Which addresses are public. Whatever is not known to be is not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// To which addresses a connection may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Public ones.
    Public,
    /// This machine's.
    Loopback,
    /// Both.
    PublicAndLoopback,
    /// All.
    Any,
    /// This one alone: for a server that plays a public one.
    #[cfg(test)]
    Only(IpAddr),
}

impl Addresses {
    /// Whether a connection may lead to this one.
    pub fn contain(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Public => is_public(address),
            Self::Loopback => address.is_loopback(),
            Self::PublicAndLoopback => is_public(address) || address.is_loopback(),
            #[cfg(test)]
            Self::Only(one) => address == one,
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|network| holds_v4(*network, address)),
        IpAddr::V6(address) => {
            // Elsewhere there are no public ones: among others loopback, unique-local, link-local and multicast, and
            // IPv4 in disguise (::ffff:0:0/96, ::/96, 64:ff9b::/96, 64:ff9b:1::/48).
            holds_v6((GLOBAL_V6, 3), address) && !NOT_PUBLIC_V6.iter().any(|net| holds_v6(*net, address))
        }
    }
}

type NetworkV4 = ([u8; 4], u32);

/// IANA's registry of special-purpose addresses, multicast and reserved ones, and one of Azure's.
const NOT_PUBLIC_V4: [NetworkV4; 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    // Shared between a provider and its customers (CGNAT).
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Link-local; clouds tell their machines' keys at 169.254.169.254.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    // Protocol assignments.
    ([192, 0, 0, 0], 24),
    // Documentation, with two more below.
    ([192, 0, 2, 0], 24),
    // Relays of 6to4.
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    // Benchmarks.
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast.
    ([224, 0, 0, 0], 4),
    // Reserved, and broadcast.
    ([240, 0, 0, 0], 4),
    // Looks public, and is what Azure's machines have beside the metadata address.
    ([168, 63, 129, 16], 32),
];

type NetworkV6 = ([u16; 8], u32);

/// 2000::/3, where all public addresses are.
const GLOBAL_V6: [u16; 8] = [0x2000, 0, 0, 0, 0, 0, 0, 0];

const NOT_PUBLIC_V6: [NetworkV6; 4] = [
    // Protocol assignments: Teredo, benchmarks, ORCHID.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Documentation.
    ([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    // 6to4: IPv4 in disguise.
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
];

fn holds_v4((network, bits): NetworkV4, address: Ipv4Addr) -> bool {
    let mask = u32::MAX << (32 - bits);
    (u32::from_be_bytes(network) ^ u32::from(address)) & mask == 0
}

fn holds_v6((network, bits): NetworkV6, address: Ipv6Addr) -> bool {
    let mask = u128::MAX << (128 - bits);
    (u128::from(Ipv6Addr::from(network)) ^ u128::from(address)) & mask == 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn public_ones_are_public() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "2001:200::1",
            "2600:1f18::1",
        ] {
            assert!(is_public(address(text)), "{text}");
            assert!(!Addresses::Loopback.contain(address(text)), "{text}");
        }
    }

    #[test]
    fn all_others_are_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::101:101",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn loopback_is_opened_alone() {
        for text in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert!(Addresses::PublicAndLoopback.contain(address(text)), "{text}");
            assert!(Addresses::Loopback.contain(address(text)), "{text}");
        }
        for text in ["10.0.0.1", "169.254.169.254", "0.0.0.0", "::", "::ffff:127.0.0.1", "fd00::1"] {
            assert!(!Addresses::PublicAndLoopback.contain(address(text)), "{text}");
            assert!(!Addresses::Loopback.contain(address(text)), "{text}");
        }
    }
}
