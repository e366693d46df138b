//! Values that no message may quote: serde tells what it found where something else should be, and that may be a secret.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// For `deserialize_with`: a text, or nothing.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    // Asked for what is wanted, serde_json itself would tell what it has.
    deserializer.deserialize_any(Text)
}

/// Something with members, read by its own `Object::read`.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Object<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Members(PhantomData))
}

/// What `object` reads.
pub(crate) trait Object<'de>: Sized {
    /// What it is, for the message when it is something else.
    const SHAPE: &'static str;

    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Everything that serde would quote.
macro_rules! unquoted {
    ($shape:expr; $($visit:ident: $kind:ty),*) => {
        $(fn $visit<E: Error>(self, _: $kind) -> Result<Self::Value, E> {
            Err(E::custom(format!("is not shown here, and must be {}", $shape)))
        })*
    };
}

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Option<String>;

    unquoted!("a text, in quotes"; visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Object<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    unquoted!(T::SHAPE; visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(T::SHAPE)
    }

    fn visit_map<M: MapAccess<'de>>(self, members: M) -> Result<T, M::Error> {
        T::read(MapAccessDeserializer::new(members))
    }
}
