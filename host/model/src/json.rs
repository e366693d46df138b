//! JSON by pointer (RFC 6901) without touching other bytes: what is not changed keeps its spelling, order and spaces.

use std::borrow::Cow;

use bytes::Bytes;

use crate::limits::JSON_DEPTH_MOST;

mod members;
mod pointer;
mod scan;
mod splice;
#[cfg(test)]
mod tests;

use members::Members;
pub use pointer::PointerError;
use pointer::{Pointer, array_index};
use scan::{Container, Entries, Entry, Span, Walk, scan};
use splice::Fragment;

/// A text that is JSON (RFC 8259), with an index of its objects, arrays and members, so that a lookup steps over what it
/// does not need. The index takes 12 bytes for each object or array, and 24 for each member; members are left out of it if it
/// would take more than twice the text.
#[derive(Debug, Clone)]
pub struct Document {
    source: Bytes,
    /// In the order in which they open.
    containers: Vec<Container>,
    /// None if they are too many, and after an edit: few look something up then, and it would have to be made anew.
    members: Option<Members>,
}

/// Where a lookup in an array of a document was: before the element of this index.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// The first byte of the array.
    array: usize,
    index: usize,
    at: usize,
    /// 0 for no place.
    next: usize,
}

/// Why a text is not JSON that the host reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: {reason} at line {line} column {column}")]
pub struct NotJson {
    reason: &'static str,
    /// From 1.
    line: usize,
    /// In bytes, from 1.
    column: usize,
}

/// Why a document cannot be changed as it was asked. Pointers and values are cut to what fits a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error(transparent)]
    Pointer(#[from] PointerError),
    #[error("the value `{value}` is {problem}")]
    Value { value: String, problem: NotJson },
    #[error("`{0}` leads into a value that is neither object nor array: set that one first")]
    Scalar(String),
    #[error("`{pointer}` leads into an array of {length}: write an index up to {length}, or `-` to append")]
    Index { pointer: String, length: usize },
    #[error("`{0}` appends to an array that is not there: set the array first")]
    NoArray(String),
    #[error("`{0}` leads deeper than {JSON_DEPTH_MOST} levels")]
    Depth(String),
    #[error("the whole document cannot be removed: replace the body instead")]
    Whole,
    #[error("the document would be longer than 4 GiB")]
    Length,
}

impl Document {
    /// Reads the text, at most 4 GiB and nested at most `JSON_DEPTH_MOST` deep.
    pub fn parse(text: Bytes) -> Result<Self, NotJson> {
        let (containers, members) = read(&text, JSON_DEPTH_MOST)?;
        Ok(Self { source: text, containers, members })
    }

    /// The text, whole.
    pub fn source(&self) -> &Bytes {
        &self.source
    }

    /// The exact text of the value at a pointer; none if it leads nowhere. Of equal keys the last one counts.
    pub fn get(&self, pointer: &str) -> Result<Option<&str>, PointerError> {
        self.get_from(&mut Place::default(), pointer)
    }

    /// Like `get`, for one who looks up many: where the last lookup was in an array, the next one goes on. A place belongs
    /// to one document.
    pub fn get_from(&self, place: &mut Place, pointer: &str) -> Result<Option<&str>, PointerError> {
        let pointer = Pointer::read(pointer)?;
        let found = pointer.tokens().try_fold(self.root(), |value, token| {
            if self.source[value.bytes.start] == b'[' {
                Some(self.element(&value, array_index(&token)?, place)?.value)
            } else {
                self.child(&value, &token)
            }
        });
        Ok(found.map(|value| str::from_utf8(&self.source[value.bytes]).expect("UTF-8, cut at ASCII characters")))
    }

    /// Like `get_from`, but a string comes decoded, half of a surrogate pair as U+FFFD. None for `null`, objects and
    /// arrays.
    pub fn text_from(&self, place: &mut Place, pointer: &str) -> Result<Option<Cow<'_, str>>, PointerError> {
        let value = self.get_from(place, pointer)?;
        Ok(value.and_then(|value| match value.as_bytes()[0] {
            b'"' => Some(unescape(&value[1..value.len() - 1])),
            b'{' | b'[' | b'n' => None,
            _ => Some(Cow::Borrowed(value)),
        }))
    }

    pub fn text(&self, pointer: &str) -> Result<Option<Cow<'_, str>>, PointerError> {
        self.text_from(&mut Place::default(), pointer)
    }

    /// The document with this value, JSON text, at the pointer. Missing parent objects are made; `-` and the length of
    /// an array append to it. Bytes outside the changed value stay as they are; but of equal keys on the way only the last
    /// one stays, so that no reader finds an older value.
    pub fn set(&self, pointer: &str, value: &str) -> Result<Self, EditError> {
        let path = Pointer::read(pointer)?;
        let depth_most = JSON_DEPTH_MOST.checked_sub(path.tokens().count());
        let depth_most = depth_most.ok_or_else(|| EditError::Depth(path.shown()))?;
        let new = Fragment::read(value, depth_most)?;
        let mut place = self.root();
        let mut tokens = path.tokens();
        while let Some(token) = tokens.next() {
            match self.last_child(&place, &token) {
                Some((_, true)) => return self.without_earlier(&path)?.set(pointer, value),
                Some((child, false)) => place = child,
                None => return self.insert(&path, &place, &token, new.below(tokens, &path)?),
            }
        }
        self.splice(&[place], new)
    }

    /// The document without what is at the pointer: an array closes the gap, of equal keys all go, and of equal keys on the
    /// way all but the last. None if nothing is there.
    pub fn remove(&self, pointer: &str) -> Result<Option<Self>, EditError> {
        let path = Pointer::read(pointer)?;
        let Some((parents, last)) = path.split_last() else { return Err(EditError::Whole) };
        let mut parent = self.root();
        for token in parents {
            match self.last_child(&parent, &token) {
                Some((_, true)) => {
                    let document = self.without_earlier(&path)?;
                    return Ok(Some(document.remove(pointer)?.unwrap_or(document)));
                }
                Some((value, false)) => parent = value,
                None => return Ok(None),
            }
        }
        let cuts = self.cuts(&parent, &last);
        if cuts.is_empty() { Ok(None) } else { self.splice(&cuts, Fragment::default()).map(Some) }
    }

    fn root(&self) -> Span {
        Walk { text: &self.source, containers: &self.containers, at: 0, next: 0 }.value()
    }

    fn entries(&self, value: &Span) -> Option<Entries<'_>> {
        Entries::of(&self.source, &self.containers, value)
    }

    /// The value of a member or element.
    fn child(&self, value: &Span, token: &str) -> Option<Span> {
        self.last_child(value, token).map(|(value, _)| value)
    }

    /// The value of a member or element, and whether it is the last of several members with this key.
    fn last_child(&self, value: &Span, token: &str) -> Option<(Span, bool)> {
        let mut entries = self.entries(value)?;
        match &self.members {
            _ if !entries.in_object() => entries.nth(array_index(token)?).map(|entry| (entry.value, false)),
            Some(members) => members.find(&self.source, value, token),
            None => entries
                .filter(|entry| is_key(entry.key, token))
                .fold(None, |before, entry| Some((entry.value, before.is_some()))),
        }
    }

    /// Of equal keys on the way to where the pointer leads only the last ones.
    fn without_earlier(&self, path: &Pointer<'_>) -> Result<Self, EditError> {
        let mut document = self.clone();
        let mut depth = 0;
        loop {
            let mut tokens = path.tokens().skip(depth);
            let Some(token) = tokens.next() else { return Ok(document) };
            let place =
                path.tokens().take(depth).try_fold(document.root(), |value, token| document.child(&value, &token));
            let Some(place) = place else { return Ok(document) };
            let cuts = document.earlier(&place, &token);
            if !cuts.is_empty() {
                document = document.splice(&cuts, Fragment::default())?;
            }
            depth += 1;
        }
    }

    /// The members of an object with this key but for the last, each with the comma behind it.
    fn earlier(&self, object: &Span, key: &str) -> Vec<Span> {
        let Some(entries) = self.entries(object).filter(Entries::in_object) else { return Vec::new() };
        let mut cuts = Vec::new();
        // One with the key, and where what follows it begins.
        let mut last: Option<(Span, Option<usize>)> = None;
        for entry in entries {
            if let Some((_, next @ None)) = &mut last {
                *next = Some(entry.start);
            }
            if !is_key(entry.key, key) {
                continue;
            }
            let span = Span { bytes: entry.start..entry.value.bytes.end, containers: entry.value.containers };
            if let Some((Span { bytes, containers }, Some(next))) = last.replace((span, None)) {
                cuts.push(Span { bytes: bytes.start..next, containers });
            }
        }
        cuts
    }

    /// The element of an array, found from the place on if that is in the same array before it.
    fn element(&self, array: &Span, index: usize, place: &mut Place) -> Option<Entry<'_>> {
        let mut entries = self.entries(array)?;
        let mut at = 0;
        if place.array == array.bytes.start && place.index <= index && place.next > 0 {
            entries.go_to(place.at, place.next);
            at = place.index;
        }
        for _ in at..index {
            entries.next()?;
        }
        let (position, next) = entries.position();
        *place = Place { array: array.bytes.start, index, at: position, next };
        entries.next()
    }

    /// Adds what is new to the value at `place`, which has nothing at `token`.
    fn insert(&self, path: &Pointer<'_>, place: &Span, token: &str, new: Fragment<'_>) -> Result<Self, EditError> {
        let entries = self.entries(place).ok_or_else(|| EditError::Scalar(path.shown()))?;
        let object = entries.in_object();
        if !object && token != "-" {
            let length = entries.count();
            if array_index(token) != Some(length) {
                return Err(EditError::Index { pointer: path.shown(), length });
            }
        }
        let inside = &self.source[place.bytes.start + 1..place.bytes.end - 1];
        let length = inside.trim_ascii_end().len();
        let new = new.entry(object.then_some(token), length > 0);
        let (at, next) = (place.bytes.start + 1 + length, place.containers.end);
        self.splice(&[Span { bytes: at..at, containers: next..next }], new)
    }

    /// The pieces to cut out so that nothing is left at `token`, with one comma for each entry that goes.
    fn cuts(&self, parent: &Span, token: &str) -> Vec<Span> {
        let Some(entries) = self.entries(parent) else { return Vec::new() };
        let object = entries.in_object();
        let index = array_index(token);
        let mut cuts: Vec<Span> = Vec::new();
        let mut open = false;
        let mut kept_end = None;
        for (position, entry) in entries.enumerate() {
            let goes = if object { is_key(entry.key, token) } else { index == Some(position) };
            match (goes, open) {
                (true, true) => {
                    let cut = cuts.last_mut().expect("an open cut is the last");
                    (cut.bytes.end, cut.containers.end) = (entry.value.bytes.end, entry.value.containers.end);
                }
                (true, false) => {
                    cuts.push(Span { bytes: entry.start..entry.value.bytes.end, containers: entry.value.containers });
                }
                (false, was_open) => {
                    if was_open {
                        cuts.last_mut().expect("an open cut is the last").bytes.end = entry.start;
                    }
                    kept_end = Some(entry.value.bytes.end);
                }
            }
            open = goes;
        }
        // At the end it is the comma before the entry that goes.
        if let (true, Some(end), Some(cut)) = (open, kept_end, cuts.last_mut()) {
            cut.bytes.start = end;
        }
        cuts
    }
}

/// The containers and members of a text that is UTF-8 and JSON.
fn read(text: &[u8], depth_most: usize) -> Result<(Vec<Container>, Option<Members>), NotJson> {
    let wrong = |at: usize, reason| {
        let before = &text[..at];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        NotJson { reason, line, column: at - line_start + 1 }
    };
    str::from_utf8(text).map_err(|error| wrong(error.valid_up_to(), "bytes that are not UTF-8"))?;
    scan(text, depth_most).map_err(|found| wrong(found.at, found.reason))
}

/// Whether a key, as it is written between its quotes, is this one.
fn is_key(written: &[u8], key: &str) -> bool {
    // Escapes only make it longer.
    let escaped = written.len() > key.len() && written.contains(&b'\\');
    written == key.as_bytes() || escaped && str::from_utf8(written).is_ok_and(|written| unescape(written) == key)
}

/// What a string means, given what is written between its quotes.
fn unescape(written: &str) -> Cow<'_, str> {
    let Some(first) = written.find('\\') else { return Cow::Borrowed(written) };
    let mut text = String::with_capacity(written.len());
    text.push_str(&written[..first]);
    let mut rest = &written[first..];
    while let Some(escape) = rest.strip_prefix('\\') {
        let (character, length) = match escape.as_bytes()[0] {
            b'u' => code_point(escape),
            b'b' => ('\u{8}', 1),
            b'f' => ('\u{c}', 1),
            b'n' => ('\n', 1),
            b'r' => ('\r', 1),
            b't' => ('\t', 1),
            itself => (char::from(itself), 1),
        };
        text.push(character);
        let plain = &escape[length..];
        let end = plain.find('\\').unwrap_or(plain.len());
        text.push_str(&plain[..end]);
        rest = &plain[end..];
    }
    Cow::Owned(text)
}

/// The character of `uXXXX` or of the pair `uXXXX\uXXXX`, and the length of what was read.
fn code_point(escape: &str) -> (char, usize) {
    let unit = |at: usize| u16::from_str_radix(escape.get(at..at + 4)?, 16).ok();
    let first = unit(1).unwrap_or_default();
    let pair = escape.get(5..7) == Some("\\u");
    let second = if pair { unit(7) } else { None };
    let mut decoded = char::decode_utf16([first].into_iter().chain(second));
    match decoded.next() {
        Some(Ok(character)) if character.len_utf16() == 2 => (character, 11),
        Some(Ok(character)) => (character, 5),
        _ => (char::REPLACEMENT_CHARACTER, 5),
    }
}
