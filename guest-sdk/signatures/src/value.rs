//! Where something is in a request, and how messages are put together from such places.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::request::Request;

/// One place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    Header(String),
    Query(String),
    Form(String),
    Json(String),
    /// The header that this setting names.
    HeaderOfSetting(String),
    /// Of the token that the body is; it counts once its signature held.
    Claim(String),
    Setting(String),
    Method,
    Url,
    UrlWithoutQuery,
    Path,
    WholeQuery,
    Host,
    Body,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let name = name.trim().to_owned();
        let named = match kind {
            "header" if name.starts_with("{setting ") && name.ends_with('}') => {
                return Ok(Self::HeaderOfSetting(name["{setting ".len()..name.len() - 1].to_owned()));
            }
            "header" => Some(Self::Header(name.to_ascii_lowercase())),
            "query" if !name.is_empty() => Some(Self::Query(name.clone())),
            "form" => Some(Self::Form(name.clone())),
            "json" | "claim" if !name.is_empty() && !name.starts_with('/') => {
                return Err(format!("`{text}`: a JSON pointer begins with `/`"));
            }
            "json" => Some(Self::Json(name.clone())),
            "claim" => Some(Self::Claim(name.clone())),
            "setting" => Some(Self::Setting(name.clone())),
            _ => None,
        };
        if let Some(named) = named {
            return if name.is_empty() { Err(format!("`{text}` lacks a name")) } else { Ok(named) };
        }
        match (kind, name.is_empty()) {
            ("method", true) => Ok(Self::Method),
            ("url", true) => Ok(Self::Url),
            ("url-without-query", true) => Ok(Self::UrlWithoutQuery),
            ("path", true) => Ok(Self::Path),
            ("query", true) => Ok(Self::WholeQuery),
            ("host", true) => Ok(Self::Host),
            ("body", true) => Ok(Self::Body),
            _ => Err(format!(
                "`{text}` is no value: header NAME, query NAME, form NAME, json POINTER, setting NAME, method, url, \
                 url-without-query, path, query, host or body"
            )),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(out, "header {name}"),
            Self::Query(name) => write!(out, "query {name}"),
            Self::Form(name) => write!(out, "form field {name}"),
            Self::Json(pointer) => write!(out, "{pointer} of the body"),
            Self::HeaderOfSetting(name) => write!(out, "the header that the setting {name} names"),
            Self::Claim(pointer) => write!(out, "{pointer} of the token"),
            Self::Setting(name) => write!(out, "setting {name}"),
            Self::Method => out.write_str("the method"),
            Self::Url => out.write_str("the URL"),
            Self::UrlWithoutQuery => out.write_str("the URL without its query"),
            Self::Path => out.write_str("the path"),
            Self::WholeQuery => out.write_str("the query"),
            Self::Host => out.write_str("the host"),
            Self::Body => out.write_str("the body"),
        }
    }
}

/// Places that are tried in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Value(pub Vec<Source>);

impl Value {
    /// The first that is there.
    pub fn find<'a>(&self, request: &'a Request<'_>) -> Option<Cow<'a, [u8]>> {
        self.0.iter().find_map(|source| request.find(source))
    }

    pub fn text(&self, request: &Request<'_>) -> Option<String> {
        self.find(request).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether what it finds depends on the URL under which the provider knows the receiver.
    pub(crate) fn of_url(&self) -> bool {
        self.0
            .iter()
            .any(|source| matches!(source, Source::Url | Source::UrlWithoutQuery | Source::Host | Source::Path))
    }
}

impl FromStr for Value {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split('|').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, source) in self.0.iter().enumerate() {
            write!(out, "{}{source}", if index > 0 { " or " } else { "" })?;
        }
        Ok(())
    }
}

/// People write text; what was prepared holds the parts.
macro_rules! text_or_parts {
    ($type:ident, $parts:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    return String::deserialize(from)?.parse().map_err(D::Error::custom);
                }
                <$parts>::deserialize(from).map($type)
            }
        }
    };
}

text_or_parts!(Value, Vec<Source>);
text_or_parts!(Template, Vec<Piece>);

/// A value, or a text made of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named(pub Vec<Piece>);

text_or_parts!(Named, Vec<Piece>);

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.contains('{') && !text.starts_with("header {") {
            true => text.parse().map(|Template(pieces)| Self(pieces)),
            false => Ok(Self(vec![Piece::Value(text.parse()?, Form::Plain)])),
        }
    }
}

impl Named {
    /// None if nothing of it is there.
    pub fn find(&self, request: &Request<'_>) -> Option<Vec<u8>> {
        let mut parts = Vec::new();
        let whole = render(&self.0, request, Beside::default(), true, &mut parts);
        let mut text = Vec::new();
        for part in parts {
            match part {
                Part::Bytes(bytes) => text.extend_from_slice(&bytes),
                Part::Body => text.extend_from_slice(request.body()),
                Part::Secret => {}
            }
        }
        (whole && !text.is_empty()).then_some(text)
    }
}

/// How a value is written into a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    Plain,
    Lower,
    /// As a JSON string.
    Quoted,
    /// Percent-escapes of these characters are decoded.
    Unescaped(String),
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    Text(String),
    Value(Value, Form),
    /// The signature's time, as it came.
    Timestamp,
    /// The delivery's id.
    Id,
    /// The secret's key.
    Secret,
    /// Form fields sorted by name, names and values glued.
    SortedForm,
    /// CRC-32 of the body, in decimal.
    Crc32,
    /// SHA-256 of the body, in hexadecimal.
    Sha256,
    /// SHA-256 of the body, its 32 bytes.
    Sha256Raw,
    /// The body without its content encoding.
    BodyDecoded,
    /// A handshake's MAC.
    Mac,
    /// Left out if one of its values is missing.
    Optional(Vec<Piece>),
}

/// Text with `{…}` and `[…]` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Template(pub Vec<Piece>);

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let pieces = pieces(&mut rest, false).map_err(|problem| format!("`{text}`: {problem}"))?;
        Ok(Self(pieces))
    }
}

fn pieces(rest: &mut &str, inside: bool) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut text) = (Vec::new(), String::new());
    loop {
        let Some(next) = rest.chars().next() else {
            if inside {
                return Err("a `[` is never closed".to_owned());
            }
            break;
        };
        let doubled = rest[next.len_utf8()..].starts_with(next);
        let piece = match next {
            '{' | '}' | '[' | ']' if doubled => {
                text.push(next);
                *rest = &rest[2..];
                continue;
            }
            '{' => {
                let end = rest.find('}').ok_or("a `{` is never closed")?;
                let name = &rest[1..end];
                *rest = &rest[end + 1..];
                piece(name)?
            }
            '[' if !inside => {
                *rest = &rest[1..];
                Piece::Optional(self::pieces(rest, true)?)
            }
            ']' if inside => {
                *rest = &rest[1..];
                break;
            }
            '}' | ']' | '[' => {
                return Err(format!("a `{next}` that belongs to nothing: write it twice if it is meant"));
            }
            other => {
                text.push(other);
                *rest = &rest[other.len_utf8()..];
                continue;
            }
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(piece);
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

fn piece(name: &str) -> Result<Piece, String> {
    Ok(match name {
        "timestamp" => Piece::Timestamp,
        "id" => Piece::Id,
        "secret" => Piece::Secret,
        "form-sorted" => Piece::SortedForm,
        "crc32 body" => Piece::Crc32,
        "sha256 body" => Piece::Sha256,
        "sha256 body raw" => Piece::Sha256Raw,
        "body-decoded" => Piece::BodyDecoded,
        "mac" => Piece::Mac,
        other => {
            let (value, form) = match other.rsplit_once(' ') {
                Some((value, "lower")) => (value, Form::Lower),
                Some((value, "quoted")) => (value, Form::Quoted),
                Some((value, characters)) if value.ends_with(" unescape") => {
                    (&value[..value.len() - " unescape".len()], Form::Unescaped(characters.to_owned()))
                }
                _ => (other, Form::Plain),
            };
            Piece::Value(value.parse()?, form)
        }
    })
}

/// A piece of a message, ready for a MAC: the body stays where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    Bytes(Cow<'a, [u8]>),
    Body,
    Secret,
}

/// What a template needs beside the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    pub timestamp: Option<&'a [u8]>,
    pub id: Option<&'a Named>,
    pub mac: Option<&'a str>,
}

impl Template {
    /// The message's parts; neighbouring bytes are one.
    pub fn render<'a>(&'a self, request: &'a Request<'_>, beside: Beside<'a>) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        // Outside of brackets nothing is required.
        render(&self.0, request, beside, false, &mut parts);
        parts
    }

    /// As text, for answers: of templates that have no secret in them.
    pub fn text(&self, request: &Request<'_>, beside: Beside<'_>) -> Vec<u8> {
        let mut text = Vec::new();
        for part in self.render(request, beside) {
            match part {
                Part::Bytes(bytes) => text.extend_from_slice(&bytes),
                Part::Body => text.extend_from_slice(request.body()),
                Part::Secret => {}
            }
        }
        text
    }

    /// Whether it depends on the URL under which the provider knows the receiver.
    pub(crate) fn of_url(&self) -> bool {
        any(&self.0, |piece| matches!(piece, Piece::Value(value, _) if value.of_url()))
    }

    /// Whether the body goes into it, in whichever form.
    pub(crate) fn of_sorted_form(&self) -> bool {
        any(&self.0, |piece| *piece == Piece::SortedForm)
    }
}

fn any(pieces: &[Piece], holds: impl Fn(&Piece) -> bool + Copy) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Optional(inside) => any(inside, holds),
        piece => holds(piece),
    })
}

/// False if a value is missing that is required.
fn render<'a>(
    pieces: &'a [Piece],
    request: &'a Request<'_>,
    beside: Beside<'a>,
    required: bool,
    parts: &mut Vec<Part<'a>>,
) -> bool {
    for piece in pieces {
        let found = match piece {
            Piece::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
            Piece::Value(value, Form::Plain) if value.0 == [Source::Body] => {
                parts.push(Part::Body);
                continue;
            }
            Piece::Value(value, form) => value.find(request).map(|found| formed(found, form)),
            Piece::Timestamp => beside.timestamp.map(Cow::Borrowed),
            Piece::Id => beside.id.and_then(|id| id.find(request)).map(Cow::Owned),
            Piece::Secret => {
                parts.push(Part::Secret);
                continue;
            }
            Piece::SortedForm => Some(Cow::Owned(request.sorted_form())),
            Piece::Crc32 => Some(Cow::Owned(crc32fast::hash(request.body()).to_string().into_bytes())),
            Piece::Sha256 => request.sha256_of_body().map(|digest| Cow::Owned(hex::encode(digest).into_bytes())),
            Piece::Sha256Raw => request.sha256_of_body().map(Cow::Owned),
            Piece::BodyDecoded => request.body_decoded().map(Cow::Owned),
            Piece::Mac => beside.mac.map(|mac| Cow::Borrowed(mac.as_bytes())),
            Piece::Optional(inside) => {
                let mut inner = Vec::new();
                if render(inside, request, beside, true, &mut inner) {
                    inner.into_iter().for_each(|part| push(parts, part));
                }
                continue;
            }
        };
        match found {
            Some(found) if !(required && found.is_empty()) => push(parts, Part::Bytes(found)),
            _ if required => return false,
            _ => {}
        }
    }
    true
}

fn push<'a>(parts: &mut Vec<Part<'a>>, part: Part<'a>) {
    match (parts.last_mut(), part) {
        (Some(Part::Bytes(last)), Part::Bytes(more)) => last.to_mut().extend_from_slice(&more),
        (_, part) => parts.push(part),
    }
}

fn formed<'a>(found: Cow<'a, [u8]>, form: &Form) -> Cow<'a, [u8]> {
    match form {
        Form::Plain => found,
        Form::Lower => Cow::Owned(found.to_ascii_lowercase()),
        Form::Quoted => {
            let text = String::from_utf8_lossy(&found);
            Cow::Owned(serde_json::to_vec(&text).expect("a string is JSON"))
        }
        Form::Unescaped(characters) => Cow::Owned(unescaped(&found, characters.as_bytes())),
    }
}

/// With percent-escapes of these characters decoded, and no others.
fn unescaped(text: &[u8], characters: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let byte = (first == b'%').then(|| hex::decode(after.get(..2)?).ok()?.first().copied()).flatten();
        match byte {
            Some(byte) if characters.contains(&byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            _ => {
                out.push(first);
                rest = after;
            }
        }
    }
    out
}
