//! The members of all objects of a text, so that one is found by its key without reading what lies before it.

use std::ops::Range;

use super::{
    is_key,
    scan::{Span, small},
};

/// In the order of their keys in the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    list: Vec<Member>,
    /// For each container the first member behind its opening.
    first: Vec<u32>,
    /// Whether any key is written with an escape.
    escaped: bool,
    /// Members that are worth an index: more of them would take many times the text.
    most: usize,
    /// Whether there were more.
    too_many: bool,
}

/// Bytes of a text for each member that is indexed, but for the first few.
const TEXT_BYTES_EACH: usize = 12;
const ALWAYS: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Member {
    /// The quote before the key.
    key: u32,
    /// Between its quotes.
    key_length: u32,
    value: u32,
    /// What comes behind the value: the next byte, member and container.
    behind: Behind,
}

#[derive(Debug, Clone, Copy, Default)]
struct Behind {
    byte: u32,
    member: u32,
    container: u32,
}

impl Members {
    /// None yet, with room for those that a text of this length usually has.
    pub(super) fn of(text: &[u8]) -> Self {
        let usual = (text.len() / 32).min(1 << 10);
        Self {
            list: Vec::with_capacity(usual),
            first: Vec::with_capacity(usual / 8),
            most: text.len() / TEXT_BYTES_EACH + ALWAYS,
            ..Self::default()
        }
    }

    /// None if there are too many: then a lookup reads the text.
    pub(super) fn whole(self) -> Option<Self> {
        (!self.too_many).then_some(self)
    }

    /// A container opens.
    pub(super) fn opens(&mut self) {
        self.first.push(small(self.list.len()));
    }

    /// A member with this key, quotes included, and a value that begins there; its number.
    pub(super) fn begins(&mut self, key: Range<usize>, escaped: bool, value: usize) -> usize {
        self.escaped |= escaped;
        if self.list.len() >= self.most {
            self.too_many = true;
            self.list = Vec::new();
            self.most = 0;
            return 0;
        }
        let (key, key_length) = (small(key.start), small(key.len() - 2));
        self.list.push(Member { key, key_length, value: small(value), behind: Behind::default() });
        self.list.len() - 1
    }

    /// A member's value ends before this byte and this container.
    pub(super) fn ends(&mut self, member: usize, at: usize, container: usize) {
        let behind = Behind { byte: small(at), member: small(self.list.len()), container: small(container) };
        if let Some(member) = self.list.get_mut(member) {
            member.behind = behind;
        }
    }

    /// The value of the last member of an object with this key, and whether there is another before it.
    pub(super) fn find(&self, text: &[u8], object: &Span, key: &str) -> Option<(Span, bool)> {
        let mut found = None;
        let mut at = self.first[object.containers.start];
        let mut container = object.containers.start + 1;
        while let Some(member) = self.list.get(at as usize)
            && (member.key as usize) < object.bytes.end
        {
            let behind = member.behind;
            if self.has_key(text, member, key) {
                let bytes = member.value as usize..behind.byte as usize;
                found = Some((Span { bytes, containers: container..behind.container as usize }, found.is_some()));
            }
            (at, container) = (behind.member, behind.container as usize);
        }
        found
    }

    fn has_key(&self, text: &[u8], member: &Member, key: &str) -> bool {
        let start = member.key as usize + 1;
        let written = || &text[start..start + member.key_length as usize];
        match self.escaped {
            true => is_key(written(), key),
            false => member.key_length as usize == key.len() && written() == key.as_bytes(),
        }
    }
}
