//! What a filter says to the host before its verdict, written into its memory as calls, with what must come of each.

use arbitrary::{Result, Unstructured};
use model::{Annotations, Limits, Timestamp, apply, limits::LABELS_MOST, record::LogLine, verdict::Header};

use super::{
    image::{Image, Slice},
    puppet::{Function, RETURNS},
};
use crate::event::{self, Words};

const LABELS: Words = (&["a", "team", "a.b-c_d"], &["", "A", "é", "a b"]);
const KEYS: Words = (&["k", "key", "é", "a\0b", "0123456789abcdef"], &[""]);
const SPACES: Words = (&["store"], &["other", "", "Store"]);
const SECRETS: Words = (&["webhook", "token"], &["", "none"]);
const ALGORITHMS: Words = (&["hmac-sha256", "hmac-sha1", "hmac-sha512"], &["sha256", ""]);
const POINTERS: Words = (&["", "/a", "/0"], &["a", "/~2"]);
const LINES: Words = (&["one", "two\r\nlines", "é"], &["", "\0", "\u{1b}[31m"]);
/// The handle of the body that the filter is given: the first of a fresh instance.
const BODY: u64 = 1;

/// What the host must have kept of it.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) annotations: Annotations,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) logs_left_out: u32,
    log_bytes: usize,
    pub(crate) denied: Vec<String>,
    pub(crate) reserved: bool,
}

/// A filter's memory while it is filled, and what must come of what it says.
pub(crate) struct Speaker<'a> {
    pub(crate) image: Image,
    pub(crate) said: Said,
    pub(crate) functions: &'a [Function],
    pub(crate) limits: &'a Limits,
}

impl Speaker<'_> {
    /// One call of a function of the host.
    pub(crate) fn say(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=9)? {
            0 => self.label(input),
            1 => self.keys(input),
            2 => self.answer(input),
            3 | 4 => self.log(input),
            5 => self.keep(input),
            6 => self.reserve(input),
            7 => self.sign(input),
            8 => self.reveal(input),
            _ => self.look(input),
        }
    }

    /// Gives the body back, which every filter has to.
    pub(crate) fn give_back(&mut self) {
        self.call("[resource-drop]body", &[BODY]);
    }

    fn label(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let (name, value) = (event::text(input, LABELS)?, event::text(input, KEYS)?);
        let (name_at, value_at) = (self.image.text(name.as_bytes()), self.image.text(value.as_bytes()));
        self.call("set-label", &flat(&[name_at, value_at], &[RETURNS.into()]));
        let labels = &self.said.annotations.labels;
        let room = labels.len() < LABELS_MOST || labels.iter().any(|(known, _)| *known == name);
        if room && apply::check_label(&name, &value).is_ok() {
            self.said.annotations.set_label(name, value);
        }
        Ok(())
    }

    fn keys(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let key = event::text(input, KEYS)?;
        let at = self.image.text(key.as_bytes());
        let right = apply::check_key(&key).is_ok();
        let said = &mut self.said.annotations;
        let name = match input.int_in_range(0..=2)? {
            0 => {
                said.idempotency_key = if right { Some(key) } else { said.idempotency_key.take() };
                "set-idempotency-key"
            }
            1 => {
                said.order_key = if right { Some(key) } else { said.order_key.take() };
                "set-order-key"
            }
            _ => {
                let time = input.arbitrary()?;
                said.deliver_after = Some(Timestamp::from_millis(time));
                self.call("set-deliver-after", &[time, RETURNS.into()]);
                return Ok(());
            }
        };
        self.call(name, &flat(&[at], &[RETURNS.into()]));
        Ok(())
    }

    fn answer(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let answer = event::response(input)?;
        let lists = [self.image.headers(&answer.headers), self.image.text(&answer.body)];
        let values = [vec![answer.status.into()], flat(&lists, &[RETURNS.into()])].concat();
        self.call("set-answer", &values);
        let (headers, body): (&[Header], _) = (&answer.headers, answer.body.clone());
        if apply::check_answer(answer.status, apply::RESPONSE_STATUSES, headers, body, self.limits).is_ok() {
            self.said.annotations.answer = Some(answer);
        }
        Ok(())
    }

    fn log(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];
        let (level, message) = (input.choose_index(LEVELS.len())?, event::text(input, LINES)?);
        let at = self.image.text(message.as_bytes());
        self.call("log", &[vec![level as u64], flat(&[at], &[])].concat());
        let room = self.said.logs.len() < self.limits.log_lines as usize
            && self.said.log_bytes + message.len() <= self.limits.log_bytes;
        if room {
            self.said.log_bytes += message.len();
            self.said.logs.push(LogLine { level: LEVELS[level].to_owned(), message });
        } else {
            self.said.logs_left_out += 1;
        }
        Ok(())
    }

    fn keep(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let (space, key, value) = (event::text(input, SPACES)?, event::text(input, KEYS)?, event::text(input, KEYS)?);
        let [space_at, key_at, value_at] = [&space, &key, &value].map(|text| self.image.text(text.as_bytes()));
        let returns: u64 = RETURNS.into();
        let ttl = [u64::from(input.arbitrary::<bool>()?), input.arbitrary::<u32>()?.into(), returns];
        match input.int_in_range(0..=3)? {
            0 => self.call("get", &flat(&[space_at, key_at], &[returns])),
            1 => self.call("set", &flat(&[space_at, key_at, value_at], &ttl)),
            2 => self.call("delete", &flat(&[space_at, key_at], &[returns])),
            _ => {
                let delta = [vec![input.arbitrary()?], ttl.to_vec()].concat();
                self.call("increment", &flat(&[space_at, key_at], &delta));
            }
        }
        self.granted(space == "store", &format!("kv.{space}"));
        Ok(())
    }

    fn reserve(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let (space, key) = (event::text(input, SPACES)?, event::text(input, KEYS)?);
        let slices = [self.image.text(space.as_bytes()), self.image.text(key.as_bytes())];
        let ttl = *input.choose(&[0, 1, 60, 400 * 86_400, u32::MAX])?;
        self.call("once", &flat(&slices, &[ttl.into(), RETURNS.into()]));
        self.granted(space == "store", &format!("kv.{space}"));
        let right = (1..=512).contains(&key.len()) && (1..=400 * 86_400).contains(&ttl);
        self.said.reserved |= space == "store" && right;
        Ok(())
    }

    fn sign(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let (secret, algorithm) = (event::text(input, SECRETS)?, event::text(input, ALGORITHMS)?);
        let parts = event::list(input, 4, |input| Ok((input.int_in_range(0..=2)?, event::text(input, KEYS)?)))?;
        let mut list = Vec::new();
        for (case, text) in &parts {
            let (at, length) = self.image.text(text.as_bytes());
            // A literal, a header's name, the body.
            let payload = if *case == 2 { [BODY as u32, 0] } else { [at, length] };
            list.extend([&[*case, 0, 0, 0][..], &payload.map(u32::to_le_bytes).concat()].concat());
        }
        let list = (self.image.put(&list, 4), parts.len() as u32);
        let slices = [self.image.text(secret.as_bytes()), self.image.text(algorithm.as_bytes()), list];
        self.call("mac-sign", &flat(&slices, &[RETURNS.into()]));
        let known = ["hmac-sha1", "hmac-sha256", "hmac-sha512"].contains(&&*algorithm);
        let bodies = parts.iter().filter(|(case, _)| *case == 2).count();
        self.granted(!known || bodies > 1 || secret == "webhook", &format!("secrets.{secret}"));
        Ok(())
    }

    fn reveal(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let secret = event::text(input, SECRETS)?;
        let at = self.image.text(secret.as_bytes());
        self.call("reveal", &flat(&[at], &[RETURNS.into()]));
        self.granted(secret == "token", &format!("reveal.{secret}"));
        Ok(())
    }

    /// At the body, which is this image: no JSON.
    fn look(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let text = event::text(input, POINTERS)?;
        let at = self.image.text(text.as_bytes());
        let values = [vec![BODY], flat(&[at], &[RETURNS.into()])].concat();
        match input.int_in_range(0..=3)? {
            0 => self.call("[method]body.json", &values),
            1 => self.call("[method]body.text", &values),
            2 => self.call("[method]body.digest", &values),
            _ => {
                let (offset, most) = (input.arbitrary()?, input.arbitrary::<u16>()?);
                self.call("[method]body.read", &[BODY, offset, most.into(), RETURNS.into()]);
            }
        }
        Ok(())
    }

    /// What is not granted is told to the operator, each name once.
    fn granted(&mut self, granted: bool, grant: &str) {
        let cut: String = grant.chars().take(128).collect();
        let denied = &mut self.said.denied;
        if !granted && !denied.iter().any(|known| known == grant) && denied.len() < 32 {
            denied.push(cut);
        }
    }

    fn call(&mut self, name: &str, values: &[u64]) {
        let function = self.functions.iter().position(|function| function.name == name);
        self.image.call(function.unwrap_or_else(|| panic!("the host has no `{name}`")), values);
    }
}

/// Slices as a function takes them, and what it takes behind them.
fn flat(slices: &[Slice], behind: &[u64]) -> Vec<u64> {
    let slices = slices.iter().flat_map(|(at, length)| [u64::from(*at), u64::from(*length)]);
    slices.chain(behind.iter().copied()).collect()
}
