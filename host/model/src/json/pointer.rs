//! JSON pointers (RFC 6901).

use std::borrow::Cow;

use crate::excerpt::excerpt;

/// A text that is a JSON pointer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pointer<'a>(&'a str);

/// Why a text is no JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pointer}` is no JSON pointer: {reason}")]
pub struct PointerError {
    /// Cut to what fits a line.
    pointer: String,
    reason: &'static str,
}

impl<'a> Pointer<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, PointerError> {
        let wrong = |reason| Err(PointerError { pointer: excerpt(text), reason });
        if !text.is_empty() && !text.starts_with('/') {
            return wrong("it must be empty or begin with `/`");
        }
        let mut after_tildes = text.split('~').skip(1);
        if !after_tildes.all(|after| after.starts_with(['0', '1'])) {
            return wrong("`~` must be followed by `0` (for `~`) or `1` (for `/`)");
        }
        Ok(Self(text))
    }

    pub(super) fn tokens(self) -> impl Iterator<Item = Cow<'a, str>> {
        self.0.split('/').skip(1).map(token)
    }

    /// The tokens before the last, and the last; none if the pointer is empty.
    pub(super) fn split_last(self) -> Option<(impl Iterator<Item = Cow<'a, str>>, Cow<'a, str>)> {
        let (parents, last) = self.0.rsplit_once('/')?;
        Some((Self(parents).tokens(), token(last)))
    }

    /// For messages, cut to what fits a line.
    pub(super) fn shown(self) -> String {
        excerpt(self.0)
    }
}

fn token(written: &str) -> Cow<'_, str> {
    // In this order, so that `~01` becomes `~1`.
    if written.contains('~') { written.replace("~1", "/").replace("~0", "~").into() } else { written.into() }
}

/// The index that a token means in an array: digits without leading zeros.
pub(super) fn array_index(token: &str) -> Option<usize> {
    let right = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    if right { token.parse().ok() } else { None }
}
