//! Bytes as people write them: mostly text.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use utoipa::ToSchema;

/// Text, or bytes that are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Octets {
    Text(String),
    Bytes { base64: String },
}

impl Octets {
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes { base64: STANDARD.encode(bytes) },
        }
    }

    /// Fails if what should be base64 is none.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Bytes { base64 } => STANDARD.decode(base64).map_err(|error| format!("is no base64: {error}")),
        }
    }
}

// Not derived: a fault in an untagged enum would not say what is wrong.
impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Octets;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Octets, E> {
                Ok(Octets::Text(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Octets, E> {
                Ok(Octets::Text(text))
            }

            fn visit_map<M: MapAccess<'de>>(self, members: M) -> Result<Octets, M::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Bytes {
                    base64: String,
                }

                let Bytes { base64 } = Bytes::deserialize(MapAccessDeserializer::new(members))?;
                Ok(Octets::Bytes { base64 })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn bytes_are_written_as_what_they_are() {
        for (bytes, written) in [(&b"a\r"[..], json!("a\r")), (b"", json!("")), (b"\xff", json!({ "base64": "/w==" }))]
        {
            let octets = Octets::of(bytes);
            assert_eq!(serde_json::to_value(&octets).unwrap(), written);
            assert_eq!(from_value::<Octets>(written).unwrap().bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_neither_is_told() {
        let said = |value| from_value::<Octets>(value).unwrap_err().to_string();
        assert_eq!(said(json!(1)), "invalid type: integer `1`, expected a string");
        assert_eq!(said(json!({ "base65": "" })), "unknown field `base65`, expected `base64`");
    }
}
