use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn allow(entries: &[&str]) -> Allow {
    Allow::read(entries).unwrap()
}

fn passes(address: &str, port: u16, host: &str, entries: &[&str]) -> bool {
    check(ip(address), port, host, &allow(entries)).is_ok()
}

#[test]
fn the_edges_of_every_denied_network() {
    // First and last denied address of a network, and its neighbours outside, where those are public.
    let networks = [
        ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
        ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
        ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
        ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
        ("168.63.129.16", "168.63.129.16", Some("168.63.129.15"), Some("168.63.129.17")),
        ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
        ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
        ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
        ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
        ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
        ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
        ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
        ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
        ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
        ("224.0.0.0", "239.255.255.255", Some("223.255.255.255"), None),
        ("240.0.0.0", "255.255.255.255", None, None),
        ("::", "::1", None, None),
        ("::2", "::ffff:ffff", None, None),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", None, None),
        ("100::", "1fff:ffff::", None, Some("2000::")),
        ("2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2001:200::")),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db7:ffff::"), Some("2001:db9::")),
        ("3ffe::", "3ffe:ffff::", Some("3ffd:ffff::"), None),
        ("3fff::", "3fff:fff:ffff::", None, Some("3fff:1000::")),
        ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
    ];
    for (first, last, before, after) in networks {
        for denied in [first, last] {
            assert!(!passes(denied, 443, "example.com", &[]), "{denied} passed");
        }
        for public in [before, after].into_iter().flatten() {
            assert!(passes(public, 443, "example.com", &[]), "{public} was denied");
        }
    }
}

#[test]
fn each_kind_is_named() {
    let kinds = [
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "metadata"),
        ("168.63.129.16", "metadata"),
        ("100.100.100.200", "carrier-grade"),
        ("192.0.0.192", "protocol assignments"),
        ("255.255.255.255", "broadcast"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("::127.0.0.1", "compatible"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:0:127.0.0.1", "not global unicast"),
        ("fd00:ec2::254", "unique local"),
        ("fd20:ce::254", "unique local"),
        ("fe80::1", "link-local"),
        ("fec0::1", "not global unicast"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("64:ff9b::169.254.169.254", "metadata"),
        ("64:ff9b:1::8.8.8.8", "NAT64"),
        ("2002:7f00:1::1", "loopback"),
        ("2001:0:a00:1::", "private"),
        ("2001:0:808:808::80ff:fffe", "loopback"),
        ("2606:4700::5efe:10.0.0.1", "private"),
        ("2606:4700::200:5efe:10.0.0.1", "private"),
    ];
    for (address, word) in kinds {
        let denied = check(ip(address), 80, "example.com", &Allow::default()).expect_err(address);
        assert!(denied.range.contains(word), "{address} is {}", denied.range);
    }
}

#[test]
fn what_is_public_passes() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "140.82.112.3",
        "2606:4700:4700::1111",
        "2a00:1450:4001:81d::200e",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2001:0:808:808::f7f7:f7f7",
        "2606:4700::5efe:8.8.8.8",
        "::ffff:8.8.8.8",
    ] {
        assert!(passes(address, 443, "example.com", &[]), "{address} was denied");
    }
}

#[test]
fn an_exception_holds_for_what_it_names_alone() {
    let rows = [
        ("127.0.0.1", 9000, "a.example", "127.0.0.1:9000", true),
        ("127.0.0.1", 9001, "a.example", "127.0.0.1:9000", false),
        ("127.0.0.2", 9000, "a.example", "127.0.0.1:9000", false),
        ("::ffff:127.0.0.1", 9000, "a.example", "127.0.0.1:9000", true),
        ("127.0.0.1", 9000, "a.example", "[::ffff:127.0.0.1]:9000", true),
        ("64:ff9b::127.0.0.1", 9000, "a.example", "127.0.0.1:9000", false),
        ("10.1.2.3", 1, "a.example", "10.0.0.0/8", true),
        ("11.1.2.3", 1, "a.example", "10.0.0.0/8", true), // Public anyway.
        ("192.168.0.1", 1, "a.example", "10.0.0.0/8", false),
        ("10.1.2.3", 1, "a.example", "::ffff:10.0.0.0/104", true),
        ("10.1.2.3", 65535, "a.example", "10.1.2.3", true),
        ("10.1.2.4", 65535, "a.example", "10.1.2.3", false),
        ("::1", 80, "a.example", "[::1]:80", true),
        ("::1", 81, "a.example", "[::1]:80", false),
        ("::1", 81, "a.example", "[::1]", true),
        ("::1", 81, "a.example", "::1", true),
        ("127.0.0.1", 81, "a.example", "::1", false),
        ("fd00::7", 81, "a.example", "fd00::/8", true),
        ("127.0.0.1", 9000, "localhost", "localhost:9000", true),
        ("::1", 9000, "LOCALHOST.", "localhost:9000", true),
        ("127.0.0.1", 9001, "localhost", "localhost:9000", false),
        ("127.0.0.1", 9000, "localhost.example", "localhost:9000", false),
        ("127.0.0.1", 9000, "127.0.0.1", "localhost:9000", false),
        ("10.0.0.1", 5, "billing.internal", "Billing.Internal", true),
        ("10.0.0.1", 5, "x.billing.internal", "billing.internal", false),
        ("127.0.0.1", 5, "a.example", "0.0.0.0/0", true),
        ("::1", 5, "a.example", "0.0.0.0/0", false),
        ("::1", 5, "a.example", "::/0", true),
    ];
    for (address, port, host, entry, expected) in rows {
        assert_eq!(passes(address, port, host, &[entry]), expected, "{host} {address} port {port} with `{entry}`");
    }
}

#[test]
fn every_faulty_exception_is_reported_at_its_place() {
    let written =
        ["10.0.0.0/8", "10.1.2.3/8", "127.0.0.1:0", "localhost:http", "127.1", "", "a b", "host:70000", "x..y"];
    let faults = Allow::read(&written).unwrap_err();
    let places: Vec<_> = faults.0.iter().map(|fault| fault.at.as_str()).collect();
    assert_eq!(places, ["[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "[7]", "[8]"]);
    assert_eq!(faults.0[0].problem, "`10.1.2.3/8` has bits set after its prefix; write `10.0.0.0/8`");
    assert_eq!(faults.0[1].problem, "`127.0.0.1:0` has no port from 1 to 65535 after its colon");
}

#[test]
fn a_denial_says_what_to_set() {
    let denied = check(ip("::1"), 9000, "localhost", &Allow::default()).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "`localhost` is at [::1]:9000, which is denied (loopback, RFC 4291); if it is meant, add `[::1]:9000` or \
         `localhost` to `egress.allow`"
    );
}

/// Addresses about half of which are denied.
fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    let bases = [0u32, 0x0a00_0000, 0x6440_0000, 0x7f00_0000, 0xa9fe_0000, 0xac10_0000, 0xc0a8_0000, 0xe000_0000];
    prop_oneof![
        any::<u32>().prop_map(Ipv4Addr::from_bits),
        (proptest::sample::select(bases.to_vec()), 0u32..0x1_0000)
            .prop_map(|(base, host)| Ipv4Addr::from_bits(base | host)),
    ]
}

/// Every way to write `v4` into an IPv6 address, with `other` in the bits that are free.
fn transition_forms(v4: Ipv4Addr, other: u128) -> Vec<Ipv6Addr> {
    let v4 = u128::from(v4.to_bits());
    let low = other & u128::from(u64::MAX);
    let global = (other & !(7 << 125)) | (1 << 125);
    let nat64 = 0x0064_ff9b_u128 << 96;
    let local_nat64 = nat64 | 1 << 80;
    // RFC 6052, section 2.2: bits 64 to 71 are zero and the IPv4 address is split around them.
    let split = |prefix: u32| {
        let before = 64 - prefix;
        (v4 >> (32 - before)) << 64 | (v4 & ((1 << (32 - before)) - 1)) << (56 - (32 - before))
    };
    let isatap = |u: u128| (global >> 64) << 64 | u << 56 | 0x5efe_u128 << 32 | v4;
    [
        v4,
        0xffff_u128 << 32 | v4,
        0xffff_u128 << 48 | v4,
        nat64 | v4,
        local_nat64 | split(48),
        local_nat64 | split(56),
        local_nat64 | v4,
        0x2002_u128 << 112 | v4 << 80 | other & ((1 << 80) - 1),
        0x2001_0000_u128 << 96 | v4 << 64 | low,
        0x2001_0000_u128 << 96 | other & (u128::MAX >> 32 & !0xffff_ffff) | !v4 & 0xffff_ffff,
        isatap(0),
        isatap(2),
    ]
    .map(Ipv6Addr::from_bits)
    .to_vec()
}

proptest! {
    #[test]
    fn no_transition_form_of_a_denied_address_passes(v4 in any_v4(), other in any::<u128>(), port in 1u16..) {
        let none = Allow::default();
        if check(v4.into(), port, "example.com", &none).is_err() {
            for form in transition_forms(v4, other) {
                prop_assert!(check(form.into(), port, "example.com", &none).is_err(), "{} of {} passed", form, v4);
            }
        }
    }

    #[test]
    fn outside_global_unicast_only_translated_public_addresses_pass(bits in any::<u128>()) {
        let form = Ipv6Addr::from_bits(bits & !(7 << 125) | (bits & (1 << 126)));
        prop_assert!(check(form.into(), 443, "example.com", &Allow::default()).is_err(), "{} passed", form);
    }

    #[test]
    fn an_address_written_as_exception_is_one(bits in any::<u128>(), port in 1u16..) {
        for ip in [IpAddr::V6(Ipv6Addr::from_bits(bits)), IpAddr::V4(Ipv4Addr::from_bits(bits as u32))] {
            let written = SocketAddr::new(ip, port).to_string();
            let read = Allow::read(&[written]).unwrap();
            prop_assert!(check(ip, port, "example.com", &read).is_ok());
        }
    }

    #[test]
    fn reading_exceptions_never_panics(text in ".{0,40}") {
        let _ = Allow::read(&[text]);
    }
}
