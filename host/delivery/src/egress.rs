//! Which addresses may be called. Nothing but arithmetic: the connector asks here about every address before it
//! connects, and connects to exactly the address that was asked about.
//!
//! Denied is whatever is not the public internet, after the special-purpose address registries of IANA (RFC 6890) and
//! the papers named at the tables. For IPv6 that is all but 2000::/3, with exceptions inside it. Addresses that carry
//! an IPv4 address to be translated or tunnelled to count as that address. A network that translates with an own
//! prefix from 2000::/3 cannot be recognised and must filter at its translator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::Faults;

/// The setting that holds the exceptions, for messages.
pub const SETTING: &str = "egress.allow";

/// An address that may not be called. For the log; a sender must not learn it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{host}` is at {address}, which is denied ({range}); if it is meant, add `{address}` or `{host}` to `{SETTING}`"
)]
pub struct Denied {
    /// As the destination's URL names it.
    pub host: String,
    pub address: SocketAddr,
    /// What kind of address it is.
    pub range: &'static str,
}

/// Whether `ip`, which `host` resolved to, may be called at `port`.
pub fn check(ip: IpAddr, port: u16, host: &str, allow: &Allow) -> Result<(), Denied> {
    match denied_range(ip) {
        Some(range) if !allow.covers(ip.to_canonical(), port, host) => {
            Err(Denied { host: host.to_owned(), address: SocketAddr::new(ip, port), range })
        }
        _ => Ok(()),
    }
}

/// The exceptions: what may be called although it is denied otherwise. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    place: Place,
    /// None for every port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Network(IpNet),
    /// Every address that the name resolves to, so whoever answers for the name in DNS is trusted.
    Host(String),
}

impl Allow {
    /// Reads entries like `127.0.0.1:9000`, `10.1.2.3`, `10.0.0.0/8`, `[::1]:80`, `::1`, `fd00::/8`, `localhost:9000`
    /// and `billing.internal`; without a port they hold for every port. Reports every fault, at `[index]`.
    pub fn read(entries: &[impl AsRef<str>]) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let read = entries.iter().enumerate().filter_map(|(index, entry)| {
            Entry::read(entry.as_ref()).map_err(|problem| faults.add(format!("[{index}]"), problem)).ok()
        });
        let allow = Self(read.collect());
        faults.or(allow)
    }

    fn covers(&self, ip: IpAddr, port: u16, host: &str) -> bool {
        self.0.iter().any(|entry| {
            entry.port.is_none_or(|allowed| allowed == port)
                && match &entry.place {
                    Place::Network(network) => network.contains(&ip),
                    Place::Host(name) => name.eq_ignore_ascii_case(host.strip_suffix('.').unwrap_or(host)),
                }
        })
    }
}

impl Entry {
    fn read(text: &str) -> Result<Self, String> {
        if let Ok(network) = text.parse::<IpNet>() {
            return if network.trunc() == network {
                Ok(Self { place: Place::Network(canonical(network)), port: None })
            } else {
                Err(format!("`{text}` has bits set after its prefix; write `{}`", network.trunc()))
            };
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self { place: Place::Network(ip.to_canonical().into()), port: None });
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            let place = Place::Network(address.ip().to_canonical().into());
            return Ok(Self { place, port: Some(read_port(text, address.port())?) });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(read_port(text, port.parse().unwrap_or(0))?)),
            None => (text, None),
        };
        let host = host.strip_suffix('.').unwrap_or(host);
        if is_host_name(host) {
            Ok(Self { place: Place::Host(host.to_ascii_lowercase()), port })
        } else {
            Err(format!(
                "`{text}` is no address, network or host name; write it like `127.0.0.1:9000`, `10.0.0.0/8`, \
                 `[::1]:80` or `billing.internal`"
            ))
        }
    }
}

fn read_port(text: &str, port: u16) -> Result<u16, String> {
    if port == 0 { Err(format!("`{text}` has no port from 1 to 65535 after its colon")) } else { Ok(port) }
}

/// A network of IPv4-mapped addresses is the IPv4 network.
fn canonical(network: IpNet) -> IpNet {
    match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => Ipv4Net::new_assert(v4, v6.prefix_len() - 96).into(),
            None => network,
        },
        _ => network,
    }
}

/// A last label that begins with a digit belongs to a number that is meant as an address, like `127.1`.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(label) && !last.starts_with(|first: char| first.is_ascii_digit())
}

/// The kind of address that makes it denied; None if it is public.
fn denied_range(ip: IpAddr) -> Option<&'static str> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => denied_range_v4(ip),
        IpAddr::V6(ip) => denied_range_v6(ip),
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const DENIED_V4: [(Ipv4Net, &str); 18] = [
    (v4(0, 0, 0, 0, 8), "this network, RFC 791"),
    (v4(10, 0, 0, 0, 8), "private, RFC 1918"),
    (v4(100, 64, 0, 0, 10), "carrier-grade NAT, RFC 6598"),
    (v4(127, 0, 0, 0, 8), "loopback, RFC 1122"),
    (v4(168, 63, 129, 16, 32), "cloud metadata, Azure"),
    (v4(169, 254, 0, 0, 16), "link-local and cloud metadata, RFC 3927"),
    (v4(172, 16, 0, 0, 12), "private, RFC 1918"),
    (v4(192, 0, 0, 0, 24), "protocol assignments, RFC 6890"),
    (v4(192, 0, 2, 0, 24), "documentation, RFC 5737"),
    (v4(192, 88, 99, 0, 24), "6to4 relay, RFC 7526"),
    (v4(192, 168, 0, 0, 16), "private, RFC 1918"),
    (v4(198, 18, 0, 0, 15), "benchmarking, RFC 2544"),
    (v4(198, 51, 100, 0, 24), "documentation, RFC 5737"),
    (v4(203, 0, 113, 0, 24), "documentation, RFC 5737"),
    (v4(224, 0, 0, 0, 4), "multicast, RFC 1112"),
    (v4(233, 252, 0, 0, 24), "documentation, RFC 6676"),
    (v4(255, 255, 255, 255, 32), "broadcast, RFC 919"),
    (v4(240, 0, 0, 0, 4), "reserved, RFC 1112"),
];

fn denied_range_v4(ip: Ipv4Addr) -> Option<&'static str> {
    DENIED_V4.iter().find(|(network, _)| network.contains(&ip)).map(|(_, range)| *range)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// What an operator understands better than "not global unicast", and what is denied inside 2000::/3.
const DENIED_V6: [(Ipv6Net, &str); 12] = [
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), "unspecified, RFC 4291"),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback, RFC 4291"),
    (v6(0, 0, 0, 96), "IPv4-compatible, RFC 4291"),
    // Where in such an address the IPv4 address stands depends on a prefix length that cannot be seen.
    (v6(0x64, 0xff9b, 1, 48), "local NAT64, RFC 8215"),
    (v6(0xfc00, 0, 0, 7), "unique local, RFC 4193"),
    (v6(0xfe80, 0, 0, 10), "link-local, RFC 4291"),
    (v6(0xff00, 0, 0, 8), "multicast, RFC 4291"),
    // Teredo, which is the first /32 of it, is looked at before.
    (v6(0x2001, 0, 0, 23), "protocol assignments, RFC 2928"),
    (v6(0x2001, 0xdb8, 0, 32), "documentation, RFC 3849"),
    (v6(0x3ffe, 0, 0, 16), "former test network, RFC 3701"),
    (v6(0x3fff, 0, 0, 20), "documentation, RFC 9637"),
    (v6(0x5f00, 0, 0, 16), "segment routing, RFC 9602"),
];

const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);
/// RFC 6052: the last 32 bits are the IPv4 address.
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);
/// RFC 3056: the 32 bits after the prefix.
const SIX_TO_FOUR: Ipv6Net = v6(0x2002, 0, 0, 16);
/// RFC 4380: the server after the prefix, the client's bits inverted at the end.
const TEREDO: Ipv6Net = v6(0x2001, 0, 0, 32);

fn denied_range_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let bits = ip.to_bits();
    let embedded = |shift: u32| Ipv4Addr::from_bits((bits >> shift) as u32);
    if NAT64.contains(&ip) {
        return denied_range_v4(embedded(0));
    }
    if TEREDO.contains(&ip) {
        return denied_range_v4(embedded(64)).or_else(|| denied_range_v4(Ipv4Addr::from_bits(!(bits as u32))));
    }
    if let Some((_, range)) = DENIED_V6.iter().find(|(network, _)| network.contains(&ip)) {
        return Some(range);
    }
    if !GLOBAL_UNICAST.contains(&ip) {
        return Some("not global unicast, RFC 4291");
    }
    if SIX_TO_FOUR.contains(&ip)
        && let Some(range) = denied_range_v4(embedded(80))
    {
        return Some(range);
    }
    // ISATAP (RFC 5214): the interface identifier is 0:5efe, whatever its two flag bits, and the IPv4 address.
    if (bits >> 32) as u32 & 0xfcff_ffff == 0x5efe { denied_range_v4(embedded(0)) } else { None }
}

#[cfg(test)]
mod tests;
