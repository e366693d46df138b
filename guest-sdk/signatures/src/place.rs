//! Where signatures and times are, and what a request must be like.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    request::Request,
    value::{Source, Value},
};

/// Where signatures are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spot {
    /// In every header that is called so and a number, from 1.
    Numbered(String),
    /// In any of these headers.
    Headers(Vec<String>),
    At(Value),
}

/// Where the time is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// Of the signature's pairs.
    Pair(String),
    /// Of the signature's list, from 0.
    Position(usize),
    At(Value),
}

/// What a request must be like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    Method(String),
    There(Value),
    Is(Value, String),
    /// Nothing in it.
    Missing(Value),
    /// So many hexadecimal digits, in lower case.
    Hex(Value, usize, usize),
}

impl FromStr for Spot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(' ') {
            Some(("headers", names)) => {
                let names = names.to_ascii_lowercase();
                let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
                match names.as_slice() {
                    [prefix] if prefix.ends_with('-') => Ok(Self::Numbered(prefix.clone())),
                    [] => Err("`headers` without a name".to_owned()),
                    _ => Ok(Self::Headers(names)),
                }
            }
            _ => text.parse().map(Self::At),
        }
    }
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(' ') {
            Some(("pair", name)) => Ok(Self::Pair(name.trim().to_owned())),
            Some(("position", number)) => number
                .trim()
                .parse()
                .map(Self::Position)
                .map_err(|_| format!("`{text}`: a position is a number from 0")),
            _ => text.parse().map(Self::At),
        }
    }
}

impl FromStr for Test {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(method) = text.strip_prefix("method ") {
            return Ok(Self::Method(method.trim().to_owned()));
        }
        if let Some(value) = text.strip_prefix("no ") {
            return value.parse().map(Self::Missing);
        }
        if let Some((value, length)) = text.split_once(" ~ hex ") {
            let wrong = || format!("`{text}`: a length is two numbers, `20-32`");
            let (least, most) = length.split_once('-').ok_or_else(wrong)?;
            let number = |text: &str| text.trim().parse().map_err(|_| wrong());
            return Ok(Self::Hex(value.parse()?, number(least)?, number(most)?));
        }
        match text.split_once(" = ") {
            Some((value, is)) => Ok(Self::Is(value.parse()?, is.trim().to_owned())),
            None => text.parse().map(Self::There),
        }
    }
}

impl Test {
    pub(crate) fn holds(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Method(method) => request.incoming().method() == method,
            Self::There(value) => value.find(request).is_some(),
            Self::Is(value, is) => value.find(request).is_some_and(|found| *found == *is.as_bytes()),
            Self::Hex(value, least, most) => value.find(request).is_some_and(|found| {
                (*least..=*most).contains(&found.len())
                    && found.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            }),
            Self::Missing(value) => value.find(request).is_none_or(|found| found.is_empty()),
        }
    }
}

/// People write text; what was prepared holds the parts.
macro_rules! text_or_parts {
    ($type:ident, $parts:ty) => {
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct $type(pub $parts);

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    return String::deserialize(from)?.parse().map(Self).map_err(D::Error::custom);
                }
                <$parts>::deserialize(from).map(Self)
            }
        }
    };
}

text_or_parts!(Place, Spot);
text_or_parts!(When, Clock);
text_or_parts!(Condition, Test);

impl Condition {
    pub fn holds(&self, request: &Request<'_>) -> bool {
        self.0.holds(request)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Spot::Numbered(prefix) => write!(out, "header {prefix}1"),
            Spot::Headers(names) => write!(out, "header {}", names.join(" or ")),
            Spot::At(value) => value.fmt(out),
        }
    }
}

impl Place {
    /// Every value, in order.
    pub(crate) fn values(&self, request: &Request<'_>) -> Vec<Vec<u8>> {
        match &self.0 {
            Spot::Numbered(prefix) => {
                (1..=100).map_while(|number| request.header(&format!("{prefix}{number}")).map(<[u8]>::to_vec)).collect()
            }
            Spot::Headers(names) => names.iter().filter_map(|name| request.header(name)).map(<[u8]>::to_vec).collect(),
            Spot::At(value) => {
                // Twice the same header: both, so that whoever asks can refuse.
                let there = value.0.iter().find(|source| request.find(source).is_some());
                match there {
                    Some(Source::Header(name)) => {
                        request.incoming().header(name).into_iter().map(<[u8]>::to_vec).collect()
                    }
                    Some(source) => request.find(source).map(std::borrow::Cow::into_owned).into_iter().collect(),
                    None => Vec::new(),
                }
            }
        }
    }
}
