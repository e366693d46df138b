//! A filter that does what it is told, good or bad: by its configuration `{"do": "spin"}`, or, with
//! `{"do": "as-told"}`, by the same JSON in the event's header `x-do`.

use serde::Deserialize;
use snaphook_sdk::{prelude::*, serde_json};

mod abuse;
mod calls;
mod inspect;
mod verdicts;

struct Told;

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
enum Do {
    /// Whatever header `x-do` says; pass without it.
    AsTold,

    // Verdicts, as they are told: nothing is checked here.
    Pass,
    Edit {
        edits: Vec<verdicts::Change>,
    },
    Reject {
        status: u16,
        reason: String,
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    Respond {
        status: u16,
        #[serde(default)]
        body: String,
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    Drop {
        reason: String,
    },
    RetryLater {
        seconds: u32,
    },
    /// The error arm.
    Fail {
        reason: String,
    },
    /// Sets header `x-version`.
    Version {
        value: String,
    },
    /// One of each kind of edit.
    Everything,
    /// So many edits of one header.
    ManyEdits {
        count: usize,
    },
    /// So many headers.
    ManyHeaders {
        count: usize,
    },
    /// A header of so many bytes.
    LongHeader {
        bytes: usize,
    },
    /// A body of so many bytes.
    LargeBody {
        bytes: usize,
    },
    /// A reason of so many bytes.
    LongReason {
        bytes: usize,
    },

    // Abuse.
    Trap,
    Spin,
    Memory,
    Stack,
    Sleep {
        ms: u64,
    },
    Log {
        lines: usize,
        bytes: usize,
    },
    /// A line to standard output and one to standard error.
    Print,
    /// `exit` of the process, which is the instance.
    Exit {
        code: i32,
    },

    // What it saw, as JSON in the answer.
    Inspect,
    Read {
        offset: u64,
        max: u32,
    },
    Json {
        pointer: String,
    },
    /// The same calls twice in one event.
    ClockRandom,
    /// What it remembers of earlier events on this instance, with what belongs to this one; says the same to standard
    /// output.
    Remember,

    // Calls of the host, their results as JSON in the answer.
    Random {
        bytes: u32,
    },
    Verify {
        secret: String,
        algorithm: String,
        signature: String,
    },
    Sign {
        secret: String,
        algorithm: String,
    },
    Reveal {
        secret: String,
    },
    Get {
        namespace: String,
        key: String,
    },
    Set {
        namespace: String,
        key: String,
        value: String,
        ttl: Option<u32>,
    },
    Delete {
        namespace: String,
        key: String,
    },
    Increment {
        namespace: String,
        key: String,
        delta: i64,
        ttl: Option<u32>,
    },
    Swap {
        namespace: String,
        key: String,
        expected: Option<String>,
        value: String,
    },
    /// Reserves; the result is in label `once`, and the event goes on.
    Once {
        namespace: String,
        key: String,
        ttl: u32,
    },
    /// So many calls of `kv`, until one is refused.
    KvFlood {
        namespace: String,
        calls: u32,
    },
    /// Every call that needs a grant, with a name that nobody grants; goes on if all are denied.
    Ungranted,
    /// Everything that can be said beside a verdict.
    Annotate {
        label: (String, String),
        key: String,
        order: String,
        after: u64,
        answer: Option<String>,
    },

    // While it is configured.
    RefuseConfigure {
        reason: String,
    },
    SpinConfigure,
    TrapConfigure,
    MemoryConfigure,
    /// Calls for what is denied there; refuses the configuration with what it got.
    CallConfigure,
    /// Prepares so many bytes.
    LargeConfigure {
        bytes: usize,
    },
}

impl Filter for Told {
    type Config = Do;

    fn handle(event: &Event, told: &Do) -> Result<Verdict> {
        match told {
            Do::AsTold => match event.header("x-do") {
                Some(text) => perform(event, &serde_json::from_str(text)?),
                None => Ok(Verdict::pass()),
            },
            told => perform(event, told),
        }
    }

    fn validate(told: &Do) -> Result<(), String> {
        match told {
            Do::RefuseConfigure { reason } => Err(reason.clone()),
            Do::SpinConfigure => abuse::spin(),
            Do::TrapConfigure => panic!("told to trap"),
            Do::MemoryConfigure => abuse::memory(),
            Do::CallConfigure => Err(calls::ungranted().join("; ")),
            _ => Ok(()),
        }
    }

    fn prepare(told: &Do, json: &str) -> Result<Vec<u8>, String> {
        match told {
            Do::LargeConfigure { bytes } => Ok(vec![b' '; *bytes]),
            _ => Ok(json.as_bytes().to_vec()),
        }
    }
}

fn perform(event: &Event, told: &Do) -> Result<Verdict> {
    match told {
        Do::AsTold | Do::Pass => Ok(Verdict::pass()),
        Do::Edit { edits } => Ok(verdicts::edit(edits)),
        Do::Reject { status, reason, headers } => {
            Ok(verdicts::with_headers(Verdict::reject(*status).reason(reason), headers))
        }
        Do::Respond { status, body, headers } => {
            Ok(verdicts::with_headers(Verdict::respond(*status).body(body.as_str()), headers))
        }
        Do::Drop { reason } => Ok(Verdict::drop(reason)),
        Do::RetryLater { seconds } => Ok(Verdict::retry_later(*seconds)),
        Do::Fail { reason } => Err(Error::failed(reason)),
        Do::Version { value } => Ok(Verdict::edit().set_header("x-version", value.as_str())),
        Do::Everything => Ok(verdicts::everything()),
        Do::ManyEdits { count } => Ok(verdicts::many_edits(*count)),
        Do::ManyHeaders { count } => Ok(verdicts::many_headers(*count)),
        Do::LongHeader { bytes } => Ok(Verdict::edit().set_header("x-long", vec![b'x'; *bytes])),
        Do::LargeBody { bytes } => Ok(Verdict::edit().set_body(vec![b'x'; *bytes])),
        Do::LongReason { bytes } => Ok(Verdict::reject(400).reason("x".repeat(*bytes))),
        Do::Trap | Do::TrapConfigure => panic!("told to trap"),
        Do::Spin | Do::SpinConfigure => abuse::spin(),
        Do::Memory | Do::MemoryConfigure => abuse::memory(),
        Do::Stack => Ok(Verdict::edit().set_header("x-depth", abuse::stack(0).to_string())),
        Do::Sleep { ms } => Ok(abuse::sleep(*ms)),
        Do::Log { lines, bytes } => Ok(abuse::log(*lines, *bytes)),
        Do::Print => Ok(abuse::print()),
        Do::Exit { code } => std::process::exit(*code),
        told => inspect::tell(event, told).or_else(|| calls::call(event, told)).unwrap_or_else(|| Ok(Verdict::pass())),
    }
}

snaphook_sdk::export!(Told, body: buffered, secrets: ["webhook"], reveal: ["token"], kv: ["store"]);

#[cfg(test)]
mod tests;
