//! A filter that means harm, in all the ways that Rust can say: header `x-do` has a word for the deed, and what belongs to
//! it. What Rust cannot say is in `wat/` beside this.

use snaphook_sdk::{hex, prelude::*};

mod compute;
mod flood;
mod handed;
mod leave;
mod speak;

struct Hostile;

impl Filter for Hostile {
    type Config = ();

    fn handle(event: &Event, _config: &()) -> Result<Verdict> {
        let Some(told) = event.header("x-do") else { return Ok(Verdict::pass()) };
        let words: Vec<&str> = told.split(' ').collect();
        let deed = Deed { event, name: words[0], words: &words[1..] };
        compute::deed(&deed)
            .or_else(|| flood::deed(&deed))
            .or_else(|| handed::deed(&deed))
            .or_else(|| speak::deed(&deed))
            .or_else(|| leave::deed(&deed))
            .unwrap_or_else(|| Err(format!("there is no deed `{told}`").into()))
    }
}

/// What it is told, and the event that it may do it to.
struct Deed<'a> {
    event: &'a Event,
    name: &'a str,
    words: &'a [&'a str],
}

impl Deed<'_> {
    fn word(&self, place: usize) -> &str {
        self.words.get(place).copied().unwrap_or_default()
    }

    fn number(&self, place: usize) -> usize {
        self.word(place).parse().unwrap_or_default()
    }

    fn status(&self, place: usize) -> u16 {
        self.word(place).parse().unwrap_or_default()
    }

    /// Bytes that no header could carry, so they come in hexadecimal; `-` for none.
    fn bytes(&self, place: usize) -> Vec<u8> {
        hex::decode(self.word(place).as_bytes()).unwrap_or_default()
    }

    /// The same as text; what is no UTF-8 is beyond Rust's strings.
    fn text(&self, place: usize) -> String {
        String::from_utf8(self.bytes(place)).unwrap_or_default()
    }
}

/// What became of calls of the host, for whoever sent the event.
fn answer(text: impl ToString) -> Verdict {
    Verdict::respond(200).body(text.to_string())
}

snaphook_sdk::export!(Hostile, body: buffered, secrets: ["webhook"], reveal: ["token"], kv: ["store"]);
