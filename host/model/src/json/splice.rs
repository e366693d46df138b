//! Cuts pieces out of a document and puts a new one in, and keeps the index right without reading the text again.

use std::borrow::Cow;

use super::{Container, Document, EditError, Pointer, Span, read};
use crate::excerpt::excerpt;

/// A new piece of a document: its text, and its containers counted from its own start.
#[derive(Debug, Default)]
pub(super) struct Fragment<'a> {
    text: Cow<'a, str>,
    containers: Vec<Container>,
}

impl<'a> Fragment<'a> {
    /// Reads a value, without the spaces around it.
    pub(super) fn read(value: &'a str, depth_most: usize) -> Result<Self, EditError> {
        let text = value.trim_matches([' ', '\t', '\n', '\r']);
        let (containers, _) =
            read(text.as_bytes(), depth_most).map_err(|problem| EditError::Value { value: excerpt(value), problem })?;
        Ok(Self { text: text.into(), containers })
    }

    /// The value in objects made for these tokens, the first outermost. `-` among them would mean an array, and none is
    /// there.
    pub(super) fn below<'p>(
        self,
        tokens: impl Iterator<Item = Cow<'p, str>>,
        path: &Pointer<'_>,
    ) -> Result<Self, EditError> {
        let mut text = String::new();
        let mut made = 0;
        for token in tokens {
            if token == "-" {
                return Err(EditError::NoArray(path.shown()));
            }
            text.push('{');
            push_key(&mut text, &token);
            made += 1;
        }
        if made == 0 {
            return Ok(self);
        }
        let start = text.len();
        text.push_str(&self.text);
        text.extend(std::iter::repeat_n('}', made));
        let (length, after) = (narrow(text.len())?, narrow(made + self.containers.len())?);
        let outside = (0..narrow(made)?).map(|depth| Container { end: length - depth, after });
        let inside = self.containers.iter().map(|container| container.moved((offset(start), offset(made))));
        Ok(Self { containers: outside.chain(inside).collect(), text: text.into() })
    }

    /// The value as an entry, with its key and, if others stand before it, a comma.
    pub(super) fn entry(mut self, key: Option<&str>, behind_others: bool) -> Self {
        let mut before = String::from(if behind_others { "," } else { "" });
        if let Some(key) = key {
            push_key(&mut before, key);
        }
        if !before.is_empty() {
            for container in &mut self.containers {
                *container = container.moved((offset(before.len()), 0));
            }
            self.text = (before + &self.text).into();
        }
        self
    }
}

impl Document {
    /// Without the cuts, which are in order and apart, and with `new` in place of the first.
    pub(super) fn splice(&self, cuts: &[Span], new: Fragment<'_>) -> Result<Self, EditError> {
        // By how much that moves which ends behind the start of each cut: what is inside a cut is gone, so it is what
        // stands behind it and what is around it.
        let mut by = (offset(new.text.len()), offset(new.containers.len()));
        let moves: Vec<(usize, (i64, i64))> = cuts
            .iter()
            .map(|cut| {
                by = (by.0 - offset(cut.bytes.len()), by.1 - offset(cut.containers.len()));
                (cut.bytes.start, by)
            })
            .collect();
        let length = usize::try_from(offset(self.source.len()) + by.0).map_err(|_| EditError::Length)?;
        narrow(length)?;
        let moved = |container: &Container| {
            let before = moves.partition_point(|(start, _)| *start < container.end as usize);
            if before == 0 { *container } else { container.moved(moves[before - 1].1) }
        };
        let mut source = Vec::with_capacity(length);
        let mut containers = Vec::with_capacity(self.containers.len() + new.containers.len());
        let (mut at, mut next) = (0, 0);
        for (index, cut) in cuts.iter().enumerate() {
            source.extend_from_slice(&self.source[at..cut.bytes.start]);
            containers.extend(self.containers[next..cut.containers.start].iter().map(moved));
            if index == 0 {
                let by = (offset(source.len()), offset(containers.len()));
                source.extend_from_slice(new.text.as_bytes());
                containers.extend(new.containers.iter().map(|container| container.moved(by)));
            }
            (at, next) = (cut.bytes.end, cut.containers.end);
        }
        source.extend_from_slice(&self.source[at..]);
        containers.extend(self.containers[next..].iter().map(moved));
        Ok(Self { source: source.into(), containers, members: None })
    }
}

impl Container {
    fn moved(self, (bytes, containers): (i64, i64)) -> Self {
        let moved = |from: u32, by: i64| u32::try_from(i64::from(from) + by).expect("a document is at most 4 GiB long");
        Self { end: moved(self.end, bytes), after: moved(self.after, containers) }
    }
}

fn offset(length: usize) -> i64 {
    i64::try_from(length).expect("no text is that long")
}

fn push_key(text: &mut String, key: &str) {
    text.push_str(&serde_json::to_string(key).expect("a string is JSON"));
    text.push(':');
}

fn narrow(length: usize) -> Result<u32, EditError> {
    u32::try_from(length).map_err(|_| EditError::Length)
}
