//! What things are called: ids that the host makes, names that people give, digests that bytes have.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// An event's id: `evt_` and a ULID (26 characters, ordered by time of receipt).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(ulid::Ulid);

impl EventId {
    /// Made of the time of receipt and 80 random bits.
    pub fn new(received: Timestamp, random: u128) -> Self {
        Self(ulid::Ulid::from_parts(received.as_millis(), random))
    }
}

impl EventId {
    /// Bytes of its text.
    pub const TEXT_BYTES: usize = 4 + ulid::ULID_LEN;

    /// `evt_` and 26 letters and digits, without an allocation.
    pub fn text(self) -> [u8; Self::TEXT_BYTES] {
        let mut text = *b"evt_00000000000000000000000000";
        let mut id = [0; ulid::ULID_LEN];
        text[Self::TEXT_BYTES - ulid::ULID_LEN..].copy_from_slice(self.0.array_to_str(&mut id).as_bytes());
        text
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(str::from_utf8(&self.text()).expect("letters and digits"))
    }
}

impl FromStr for EventId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("evt_")
            .and_then(|id| ulid::Ulid::from_string(id).ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no event id, which is `evt_` and 26 letters and digits"))
    }
}

/// A name that a person gives to a project, route, module, filter, destination, secret or namespace: 1 to 63 of
/// `a-z 0-9 - _ .`, the first a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Box<str>);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.into()
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
        if first && rest && text.len() <= 63 {
            Ok(Self(text.into()))
        } else {
            Err(format!(
                "`{text}` is not a name: 1 to 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit"
            ))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The SHA-256 of a module's bytes: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digits alone, for file names.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        let mut hex = self.hex();
        hex.truncate(12);
        hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no digest, which is `sha256:` and 64 hexadecimal digits");
        let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64 && hex.is_ascii()).ok_or_else(wrong)?;
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = hex.get(2 * index..2 * index + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_read_what_they_write() {
        let id = EventId::new(Timestamp::from_millis(1_790_000_000_000), 7);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 30);
        assert!(EventId::new(Timestamp::from_millis(2), 0) > EventId::new(Timestamp::from_millis(1), u128::MAX));
        let digest = Digest([0xa5; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for wrong in ["", "-a", "A", "a b", "a/b", &"a".repeat(64)] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
        assert!("sha256:zz".parse::<Digest>().is_err());
        assert!(format!("sha256:{}", "é".repeat(32)).parse::<Digest>().is_err());
    }
}
