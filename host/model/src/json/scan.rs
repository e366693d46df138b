//! Reads a text once: is it JSON (RFC 8259), where does each object and array end, and where are the members of objects.
//! `Walk` then steps over values of a text that was read.

use std::ops::Range;

use super::members::Members;

/// Where an object or array ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Container {
    /// The byte behind its last one.
    pub(super) end: u32,
    /// The first container that opens behind it.
    pub(super) after: u32,
}

/// Where a text stops being JSON, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) reason: &'static str,
}

/// An object or array that has not ended yet.
struct Open {
    container: usize,
    object: bool,
    /// The member whose value is read; of an array none.
    member: usize,
}

/// The containers of a text in the order in which they open, and the members of those that are objects unless these are too
/// many. The text is not checked to be UTF-8.
pub(super) fn scan(text: &[u8], depth_most: usize) -> Result<(Vec<Container>, Option<Members>), Wrong> {
    if u32::try_from(text.len()).is_err() {
        return Err(Wrong { at: 0, reason: "the text is longer than 4 GiB" });
    }
    let mut scanner = Scanner { text, at: 0 };
    let mut containers: Vec<Container> = Vec::new();
    let mut members = Members::of(text);
    let mut open: Vec<Open> = Vec::new();
    loop {
        // A value begins here.
        scanner.spaces();
        let whole = match scanner.peek() {
            Some(bracket @ (b'{' | b'[')) => {
                let object = bracket == b'{';
                if open.len() == depth_most {
                    return Err(scanner.wrong("it is nested too deep"));
                }
                scanner.at += 1;
                scanner.spaces();
                let container = containers.len();
                containers.push(Container { end: 0, after: 0 });
                members.opens();
                let mut member = 0;
                let empty = scanner.peek() == Some(if object { b'}' } else { b']' });
                if object && !empty {
                    member = scanner.key(&mut members)?;
                }
                open.push(Open { container, object, member });
                if !empty {
                    continue;
                }
                false
            }
            Some(_) => {
                scanner.scalar()?;
                true
            }
            None => return Err(scanner.wrong("a value should be")),
        };
        // A value has ended, or a container is empty: what follows closes containers or leads to the next value.
        if whole && let Some(Open { object: true, member, .. }) = open.last() {
            members.ends(*member, scanner.at, containers.len());
        }
        loop {
            scanner.spaces();
            let Some(inmost) = open.last_mut() else {
                return match scanner.peek() {
                    None => Ok((containers, members.whole())),
                    Some(_) => Err(scanner.wrong("nothing more should be")),
                };
            };
            match (scanner.peek(), inmost.object) {
                (Some(b','), object) => {
                    scanner.at += 1;
                    if object {
                        scanner.spaces();
                        inmost.member = scanner.key(&mut members)?;
                    }
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    scanner.at += 1;
                    let (end, after) = (small(scanner.at), small(containers.len()));
                    containers[inmost.container] = Container { end, after };
                    open.pop();
                    if let Some(Open { object: true, member, .. }) = open.last() {
                        members.ends(*member, scanner.at, containers.len());
                    }
                }
                (_, true) => return Err(scanner.wrong("`,` or `}` should be")),
                (_, false) => return Err(scanner.wrong("`,` or `]` should be")),
            }
        }
    }
}

pub(super) fn small(offset: usize) -> u32 {
    debug_assert!(u32::try_from(offset).is_ok(), "the text is at most 4 GiB long");
    offset as u32
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn wrong(&self, reason: &'static str) -> Wrong {
        Wrong { at: self.at, reason }
    }

    fn spaces(&mut self) {
        self.at = behind_spaces(self.text, self.at);
    }

    /// A key and what leads to the value behind it; the number of its member.
    fn key(&mut self, members: &mut Members) -> Result<usize, Wrong> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a key in quotes should be"));
        }
        let start = self.at;
        let escaped = self.string()?;
        let end = self.at;
        self.spaces();
        if self.peek() != Some(b':') {
            return Err(self.wrong("`:` should be"));
        }
        self.at += 1;
        self.spaces();
        Ok(members.begins(start..end, escaped, self.at))
    }

    fn scalar(&mut self) -> Result<(), Wrong> {
        match self.text[self.at] {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => Err(self.wrong("a value should be")),
        }
    }

    /// Whether anything in it is escaped.
    fn string(&mut self) -> Result<bool, Wrong> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at = behind_plain(self.text, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.wrong("a control character is not escaped")),
                None => return Err(self.wrong("a string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Wrong> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u')
                if self.text.get(self.at + 2..self.at + 6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) =>
            {
                self.at += 6;
            }
            _ => return Err(self.wrong("no escape of JSON is")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Wrong> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// At least one.
    fn digits(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a digit should be")) } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Wrong> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("a value should be"));
        }
        self.at += word.len();
        Ok(())
    }
}

fn behind_spaces(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// The first `"`, `\` or control character from `at` on, or the end. Eight bytes at a time: strings are most of a body.
fn behind_plain(text: &[u8], mut at: usize) -> usize {
    const EACH: u64 = u64::MAX / 255;
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        // The high bit of a byte below `least` is set; what borrows make of the bytes behind it does not matter.
        let below = |bytes: u64, least: u64| bytes.wrapping_sub(EACH * least) & !bytes;
        let quote = below(word ^ (EACH * u64::from(b'"')), 1);
        let backslash = below(word ^ (EACH * u64::from(b'\\')), 1);
        let found = (below(word, 0x20) | quote | backslash) & (EACH << 7);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// A piece of a text: its bytes, and the containers that open in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) bytes: Range<usize>,
    pub(super) containers: Range<usize>,
}

/// A position in a text that was read.
#[derive(Debug, Clone)]
pub(super) struct Walk<'a> {
    pub(super) text: &'a [u8],
    pub(super) containers: &'a [Container],
    pub(super) at: usize,
    /// The first container that opens at `at` or behind it.
    pub(super) next: usize,
}

impl<'a> Walk<'a> {
    /// Steps over spaces and the value behind them.
    pub(super) fn value(&mut self) -> Span {
        self.at = behind_spaces(self.text, self.at);
        let (start, first) = (self.at, self.next);
        match self.text[start] {
            b'{' | b'[' => {
                let container = self.containers[first];
                (self.at, self.next) = (container.end as usize, container.after as usize);
            }
            b'"' => self.string(),
            _ => {
                let rest = &self.text[start..];
                let end =
                    rest.iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'));
                self.at = end.map_or(self.text.len(), |end| start + end);
            }
        }
        Span { bytes: start..self.at, containers: first..self.next }
    }

    fn string(&mut self) {
        self.at = behind_plain(self.text, self.at + 1);
        while self.text[self.at] != b'"' {
            self.at = behind_plain(self.text, self.at + 2);
        }
        self.at += 1;
    }
}

/// Steps over what is directly inside an object or array.
#[derive(Debug, Clone)]
pub(super) struct Entries<'a> {
    walk: Walk<'a>,
    object: bool,
}

/// A member of an object or an element of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// The first byte: of the key if there is one.
    pub(super) start: usize,
    /// Between its quotes, escapes as they are written; empty in an array.
    pub(super) key: &'a [u8],
    pub(super) value: Span,
}

impl<'a> Entries<'a> {
    /// None if the value is neither object nor array.
    pub(super) fn of(text: &'a [u8], containers: &'a [Container], value: &Span) -> Option<Self> {
        let object = match text[value.bytes.start] {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        let (at, next) = (value.bytes.start + 1, value.containers.start + 1);
        Some(Self { walk: Walk { text, containers, at, next }, object })
    }

    /// Where it is: the byte, and the first container that opens there or behind.
    pub(super) fn position(&self) -> (usize, usize) {
        (self.walk.at, self.walk.next)
    }

    pub(super) fn go_to(&mut self, at: usize, next: usize) {
        (self.walk.at, self.walk.next) = (at, next);
    }

    pub(super) fn in_object(&self) -> bool {
        self.object
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let walk = &mut self.walk;
        walk.at = behind_spaces(walk.text, walk.at);
        if walk.text[walk.at] == b',' {
            walk.at = behind_spaces(walk.text, walk.at + 1);
        }
        if matches!(walk.text[walk.at], b']' | b'}') {
            return None;
        }
        let start = walk.at;
        let mut key: &[u8] = b"";
        if self.object {
            walk.string();
            key = &walk.text[start + 1..walk.at - 1];
            // The colon.
            walk.at = behind_spaces(walk.text, walk.at) + 1;
        }
        Some(Entry { start, key, value: walk.value() })
    }
}
