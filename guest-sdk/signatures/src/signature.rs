//! Taking signatures out of where they are.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::{
    place::{Clock, Spot},
    recipe::{Encoding, Scheme},
    request::Request,
};

/// A signature that may be the right one, and the time that was signed with it, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) signature: Vec<u8>,
    pub(crate) timestamp: Option<Vec<u8>>,
}

/// None if the request has no signature of this kind; the error says what is wrong with it.
pub(crate) fn candidates(scheme: &Scheme, request: &Request<'_>) -> Result<Option<Vec<Candidate>>, String> {
    let Some(place) = &scheme.signature else { return Ok(None) };
    let values = place.values(request);
    let of = place.to_string();
    if values.is_empty() {
        return Ok(None);
    }
    if values.len() > 1 && matches!(place.0, Spot::At(_)) {
        return Err(format!("{of} is there twice"));
    }
    let time = match &scheme.timestamp {
        Some(when) => match &when.0 {
            Clock::At(value) => {
                let found = value.find(request).ok_or_else(|| format!("{value} is missing: it holds the time"))?;
                Some(found.into_owned())
            }
            Clock::Pair(_) | Clock::Position(_) => None,
        },
        None => None,
    };
    let mut candidates = Vec::new();
    for value in values {
        let text = String::from_utf8(value).map_err(|_| format!("{of} is not text"))?;
        let groups: Vec<&str> = match &scheme.groups {
            Some(between) => text.split(between.as_str()).collect(),
            None => vec![&text],
        };
        for group in groups {
            let (texts, inner) = within(scheme, group, &of)?;
            for text in texts {
                if let Some(signature) = decode(scheme.encoding, text) {
                    let timestamp = time.clone().or_else(|| inner.map(|time| time.as_bytes().to_vec()));
                    candidates.push(Candidate { signature, timestamp });
                }
            }
        }
    }
    if candidates.is_empty() {
        return Err(format!("{of} holds no signature in {}{}", name(scheme.encoding), after(scheme)));
    }
    Ok(Some(candidates))
}

fn after(scheme: &Scheme) -> String {
    match (&scheme.pair, scheme.prefix.as_str()) {
        (Some(pair), _) => format!(" after `{pair}=`"),
        (None, "") => String::new(),
        (None, prefix) => format!(" after `{prefix}`"),
    }
}

/// The texts of signatures in one group, and the time in it.
fn within<'a>(scheme: &Scheme, group: &'a str, of: &str) -> Result<(Vec<&'a str>, Option<&'a str>), String> {
    let clock = scheme.timestamp.as_ref().map(|when| &when.0);
    if let Some(between) = &scheme.pairs {
        // With `, ` a `,` without its space separates too: the pairs are trimmed anyway.
        let between = match between.trim() {
            "" => between.as_str(),
            trimmed => trimmed,
        };
        let pairs: Vec<(&str, &str)> = group.split(between).filter_map(|pair| pair.trim().split_once('=')).collect();
        let wanted = scheme.pair.as_deref().unwrap_or_default();
        let texts = pairs.iter().filter(|(key, _)| *key == wanted).map(|(_, value)| *value);
        let texts = texts.filter_map(|text| text.strip_prefix(scheme.prefix.as_str())).collect();
        let time = match clock {
            Some(Clock::Pair(name)) => {
                let found = pairs.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
                Some(found.ok_or_else(|| format!("{of} holds no time after `{name}=`"))?)
            }
            _ => None,
        };
        return Ok((texts, time));
    }
    let Some(between) = &scheme.split else {
        return Ok((group.trim().strip_prefix(scheme.prefix.as_str()).into_iter().collect(), None));
    };
    let items: Vec<&str> = group.split(between.as_str()).map(str::trim).collect();
    let time = match clock {
        Some(Clock::Position(position)) => items.get(*position).copied(),
        _ => None,
    };
    let texts = items.iter().skip(scheme.skip).filter_map(|item| item.strip_prefix(scheme.prefix.as_str())).collect();
    Ok((texts, time))
}

pub(crate) const fn name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Hex => "hexadecimal",
        Encoding::Base64 => "base64",
        Encoding::Base64url => "base64url",
    }
}

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT.with_encode_padding(false));

pub(crate) fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => BASE64.decode(text).ok(),
        Encoding::Base64url => BASE64URL.decode(text).ok(),
    }
    .filter(|bytes| !bytes.is_empty())
}

pub(crate) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(bytes),
        Encoding::Base64 => BASE64.encode(bytes),
        Encoding::Base64url => BASE64URL.encode(bytes),
    }
}
