//! Takes events from listed addresses only.

use std::net::IpAddr;

use serde::Deserialize;
use snaphook_sdk::prelude::*;

struct AddressList;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    allow: Vec<Range>,
}

/// `192.0.2.7`, `192.0.2.0/24` or `2001:db8::/32`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Range {
    first: u128,
    /// Leading bits that an address has in common with the first one.
    fixed: u32,
}

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address and no range: write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32");
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| wrong())?)),
            None => (text.as_str(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(bits);
        if length > bits {
            return Err(wrong());
        }
        Ok(Self { first: number(address), fixed: 128 - bits + length })
    }
}

impl Range {
    fn holds(&self, address: u128) -> bool {
        (self.first ^ address).leading_zeros() >= self.fixed
    }
}

/// IPv4 as `::ffff:192.0.2.7`, so that there is one kind of address.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Filter for AddressList {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let source = number(event.source().parse()?);
        if config.allow.iter().any(|range| range.holds(source)) {
            return Ok(Verdict::pass());
        }
        Ok(Verdict::reject(403).reason(format!("{} is not on the list", event.source())))
    }
}

snaphook_sdk::export!(AddressList, body: none);
