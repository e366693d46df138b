//! A filter's memory as its values lie in it by the canonical ABI of components: each value at a place of its own.

use model::{Edit, Rejection, Response, Verdict, verdict::Header};

use super::puppet::{CALL_BYTES, IMAGE, IMAGE_BYTES_MOST};

/// The bytes from `puppet::IMAGE` on.
pub(crate) struct Image {
    bytes: Vec<u8>,
    calls: usize,
}

/// A text or list: where it begins and how long it is.
pub(crate) type Slice = (u32, u32);

impl Image {
    /// With room for so many calls.
    pub(crate) fn new(calls: usize) -> Self {
        Self { bytes: vec![0; 8 + calls * CALL_BYTES], calls: 0 }
    }

    /// The bytes, if the filter has room for them.
    pub(crate) fn finish(self) -> Option<Vec<u8>> {
        (self.bytes.len() <= IMAGE_BYTES_MOST).then_some(self.bytes)
    }

    /// One more call, of the function with this number.
    pub(crate) fn call(&mut self, function: usize, values: &[u64]) {
        let at = 8 + self.calls * CALL_BYTES;
        self.calls += 1;
        self.at(0, &small(self.calls).to_le_bytes());
        self.at(at, &small(function).to_le_bytes());
        for (index, value) in values.iter().enumerate() {
            self.at(at + 8 + 8 * index, &value.to_le_bytes());
        }
    }

    pub(crate) fn text(&mut self, text: &[u8]) -> Slice {
        (self.put(text, 1), small(text.len()))
    }

    /// `list<header>`.
    pub(crate) fn headers(&mut self, headers: &[Header]) -> Slice {
        let mut list = Vec::with_capacity(headers.len() * 16);
        for (name, value) in headers {
            list.extend(words(&[self.text(name.as_bytes()), self.text(value)]));
        }
        (self.put(&list, 4), small(headers.len()))
    }

    /// What the filter returns: `result<verdict, string>`.
    pub(crate) fn returned(&mut self, returned: &Result<Verdict, String>) {
        let mut bytes = [0; 32];
        match returned {
            Ok(verdict) => {
                let (case, payload) = self.verdict(verdict);
                bytes[4] = case;
                bytes[8..8 + payload.len()].copy_from_slice(&payload);
            }
            Err(text) => {
                bytes[0] = 1;
                let slice = self.text(text.as_bytes());
                bytes[4..12].copy_from_slice(&words(&[slice]));
            }
        }
        let place = self.put(&bytes, 4);
        self.at(4, &place.to_le_bytes());
    }

    /// Which case of `verdict` it is, and what the case holds.
    fn verdict(&mut self, verdict: &Verdict) -> (u8, Vec<u8>) {
        match verdict {
            Verdict::Pass => (0, Vec::new()),
            Verdict::Edit(edits) => {
                let mut list = Vec::with_capacity(edits.len() * 20);
                for edit in edits {
                    let (case, payload) = self.edit(edit);
                    let mut one = [0; 20];
                    one[0] = case;
                    one[4..4 + payload.len()].copy_from_slice(&payload);
                    list.extend(one);
                }
                (1, words(&[(self.put(&list, 4), small(edits.len()))]))
            }
            Verdict::Reject(Rejection { status, headers, reason }) => {
                (2, self.answer(*status, headers, reason.as_bytes()))
            }
            Verdict::Respond(Response { status, headers, body }) => (3, self.answer(*status, headers, body)),
            Verdict::Drop { reason } => (4, words(&[self.text(reason.as_bytes())])),
            Verdict::RetryLater { seconds } => (5, seconds.to_le_bytes().to_vec()),
        }
    }

    fn answer(&mut self, status: u16, headers: &[Header], rest: &[u8]) -> Vec<u8> {
        let lists = words(&[self.headers(headers), self.text(rest)]);
        [&status.to_le_bytes()[..], &[0, 0], &lists].concat()
    }

    fn edit(&mut self, edit: &Edit) -> (u8, Vec<u8>) {
        let mut header = |(name, value): &Header| words(&[self.text(name.as_bytes()), self.text(value)]);
        match edit {
            Edit::SetHeader(set) => (0, header(set)),
            Edit::AppendHeader(append) => (1, header(append)),
            Edit::RemoveHeader(name) => (2, words(&[self.text(name.as_bytes())])),
            Edit::SetMethod(method) => (3, words(&[self.text(method.as_bytes())])),
            Edit::SetPath(path) => (4, words(&[self.text(path.as_bytes())])),
            Edit::SetQuery(None) => (5, Vec::new()),
            Edit::SetQuery(Some(query)) => (5, [&[1, 0, 0, 0][..], &words(&[self.text(query.as_bytes())])].concat()),
            Edit::ReplaceBody(body) => (6, words(&[self.text(body)])),
            Edit::JsonSet { pointer, value } => {
                (7, words(&[self.text(pointer.as_bytes()), self.text(value.as_bytes())]))
            }
            Edit::JsonRemove { pointer } => (8, words(&[self.text(pointer.as_bytes())])),
            Edit::Choose(names) => {
                let list: Vec<Slice> = names.iter().map(|name| self.text(name.as_bytes())).collect();
                (9, words(&[(self.put(&words(&list), 4), small(names.len()))]))
            }
        }
    }

    /// Where the bytes are in the filter's memory.
    pub(crate) fn put(&mut self, bytes: &[u8], align: usize) -> u32 {
        let start = self.bytes.len().next_multiple_of(align);
        self.bytes.resize(start, 0);
        self.bytes.extend_from_slice(bytes);
        IMAGE + small(start)
    }

    fn at(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

fn words(slices: &[Slice]) -> Vec<u8> {
    slices.iter().flat_map(|(at, length)| [at.to_le_bytes(), length.to_le_bytes()].concat()).collect()
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("nothing here is that large")
}
