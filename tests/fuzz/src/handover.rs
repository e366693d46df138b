//! What a filter hands over: its verdict, its calls of the host and every text, list and handle in them, from its memory
//! through the host's own code to what becomes of the event.
//!
//! The input's first byte says how a filter's memory is made of the rest: as it is, or with values that lie in it as they
//! should, or with some of those damaged. Undamaged, the chain must come to the same as the verdict applied by itself.

use std::sync::{Arc, LazyLock};

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use filters::{Chain, End, Filter, Given, Module, Ran, Secrets, kv::Overlay};
use model::{
    Attachment, Draft, Limits, Name, Phase, Secret, Timestamp, Verdict,
    apply::{Rules, Step, apply},
    record::{FailureClass, Outcome},
    route::{Grants, ModuleRef, OnFailure},
    spec::{CandidateMode, InstancePolicy},
};

use crate::{event, inspect::MACHINE, verdict};

mod image;
pub(crate) mod puppet;
mod said;

use image::Image;
use said::{Said, Speaker};

const CALLS_MOST: usize = 12;
const BODY_LIMIT: u64 = 1 << 20;

static PUPPET: LazyLock<(Arc<Module>, Vec<puppet::Function>)> = LazyLock::new(|| {
    let (component, functions) = puppet::component();
    let module = MACHINE.load(component.into()).unwrap_or_else(|refused| panic!("{refused}"));
    (module, functions)
});

pub fn run(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else { return };
    if how % 4 == 0 {
        let whole = &rest[..rest.len().min(puppet::IMAGE_BYTES_MOST)];
        let event = event::event(&mut Unstructured::new(&[]), Some(Bytes::copy_from_slice(whole)));
        hand_over(event.map(Draft::new).expect("an event made of nothing"), &limits(), None);
    } else {
        // Input that ends too early makes nothing.
        _ = attempt(&mut Unstructured::new(rest), how % 4 == 1);
    }
}

/// What a filter says and returns.
struct Script {
    said: Said,
    returned: std::result::Result<Verdict, String>,
}

fn attempt(input: &mut Unstructured<'_>, damaged: bool) -> Result<()> {
    let limits = Limits { edits: input.int_in_range(1..=8)?, headers: input.int_in_range(1..=16)?, ..limits() };
    let mut speaker =
        Speaker { image: Image::new(CALLS_MOST + 1), said: Said::default(), functions: &PUPPET.1, limits: &limits };
    for _ in 0..input.int_in_range(0..=CALLS_MOST)? {
        speaker.say(input)?;
    }
    speaker.give_back();
    let Speaker { mut image, said, .. } = speaker;
    let returned = if input.ratio(1, 10)? {
        Err(event::text(input, (&["no"], &["", "a\r\nb"]))?)
    } else {
        Ok(event::verdict(input)?)
    };
    image.returned(&returned);
    let Some(mut body) = image.finish() else { return Ok(()) };
    let mut event = event::event(input, None)?;
    if damaged {
        for _ in 0..input.int_in_range(1..=4)? {
            let place = input.choose_index(body.len())?;
            body[place] = input.arbitrary()?;
        }
    }
    event.body = Some(body.into());
    let script = (!damaged).then_some(Script { said, returned });
    hand_over(Draft::new(event), &limits, script);
    Ok(())
}

/// Time is not what this is about.
fn limits() -> Limits {
    Limits { time: Limits::MOST.time, wall: Limits::MOST.wall, ..Limits::default() }
}

fn hand_over(draft: Draft, limits: &Limits, script: Option<Script>) {
    let given = Given {
        phase: Phase::Route,
        now: Timestamp::from_millis(1_790_000_000_000),
        kv: Arc::new(Overlay::default()),
        destinations: event::destinations().into(),
        exactly_one: true,
        seed: None,
        body_limit: BODY_LIMIT,
    };
    let chain = Chain::new(vec![filter(limits)]);
    let ran = MACHINE.runtime.block_on(chain.run(draft.clone(), &given));
    sound(&draft, &ran, limits);
    if let Some(script) = script {
        as_meant(draft, &ran, script, limits, &given);
    }
}

/// The puppet, attached anew: what it did before does not count against it.
fn filter(limits: &Limits) -> Arc<Filter> {
    let name = |text: &str| text.parse::<Name>().expect("a name");
    let module = Arc::clone(&PUPPET.0);
    let attachment = Attachment {
        name: name("puppet"),
        module: ModuleRef::Digest(module.digest),
        candidate: None,
        mode: CandidateMode::Off,
        instance: InstancePolicy::Fresh,
        config: "{}".to_owned(),
        grants: Grants { kv: vec!["store".to_owned()], ..Grants::default() },
        limits: *limits,
        on_failure: OnFailure::default(),
    };
    let values = |secret: &str| [(secret.to_owned(), vec![Secret::new(b"shown to nobody".to_vec())])].into();
    let secrets = Secrets { usable: values("webhook"), revealed: values("token") };
    Arc::new(Filter::new(&name("default"), &name("hooks"), &attachment, module, Bytes::new(), secrets))
}

/// What must hold whatever the filter's memory looked like.
fn sound(before: &Draft, ran: &Ran, limits: &Limits) {
    let [run] = &ran.runs[..] else { panic!("{} runs of one filter", ran.runs.len()) };
    assert!(run.logs.len() <= limits.log_lines as usize);
    assert!(run.logs.iter().map(|line| line.message.len()).sum::<usize>() <= limits.log_bytes);
    assert!(run.denied.len() <= 32 && run.denied.iter().all(|grant| grant.chars().count() <= 128));
    let end = match &ran.end {
        End::Passed => Step::Next,
        End::Rejected { answer, reason } => Step::Reject { answer: answer.clone(), reason: reason.clone() },
        End::Responded { answer } => Step::Respond { answer: answer.clone() },
        End::Dropped { reason } => Step::Drop { reason: reason.clone() },
        End::RetryLater { seconds } => Step::RetryLater { seconds: *seconds },
        End::Failed { class, detail, .. } => {
            verdict::unchanged(before, &ran.draft);
            assert_eq!(ran.draft.annotations, before.annotations);
            assert!(!detail.contains("the host failed"), "{detail}");
            let expected = matches!(
                class,
                FailureClass::Trap | FailureClass::Denied | FailureClass::Failed | FailureClass::BadOutput
            );
            assert!(expected && detail.len() < 4_096, "{class:?}: {detail}");
            assert!(matches!(run.outcome, Outcome::Failure { .. }));
            return;
        }
    };
    assert!(matches!(run.outcome, Outcome::Verdict { .. }));
    verdict::ended(&end, limits);
    verdict::carried(before, &ran.draft);
    let said = &ran.draft.annotations;
    let labels = said.labels.iter().all(|(name, value)| model::apply::check_label(name, value).is_ok());
    assert!(labels && said.labels.len() <= model::limits::LABELS_MOST, "{said:?}");
    let keys = [&said.idempotency_key, &said.order_key];
    assert!(keys.into_iter().flatten().all(|key| (1..=255).contains(&key.len())), "{said:?}");
}

/// The chain came to what was written into the filter's memory, and to nothing else.
fn as_meant(mut draft: Draft, ran: &Ran, Script { said, returned }: Script, limits: &Limits, given: &Given) {
    let run = &ran.runs[0];
    assert_eq!((&run.logs, run.logs_left_out), (&said.logs, said.logs_left_out));
    assert_eq!((&run.denied, ran.reserved), (&said.denied, said.reserved));
    let rules = Rules {
        phase: &given.phase,
        destinations: &given.destinations,
        exactly_one: given.exactly_one,
        limits,
        body_limit: given.body_limit,
    };
    let step = match returned {
        Ok(verdict) => apply(&mut draft, verdict, &rules).map_err(|bad| (FailureClass::BadOutput, bad.to_string())),
        Err(text) if said.denied.is_empty() => Err((FailureClass::Failed, text)),
        Err(text) => Err((FailureClass::Denied, text)),
    };
    match (&step, &ran.end) {
        (Ok(Step::Next), End::Passed) => {}
        (Ok(Step::Reject { answer, reason }), End::Rejected { answer: given, reason: told }) => {
            assert_eq!((answer, reason), (given, told));
        }
        (Ok(Step::Respond { answer }), End::Responded { answer: given }) => assert_eq!(answer, given),
        (Ok(Step::Drop { reason }), End::Dropped { reason: told }) => assert_eq!(reason, told),
        (Ok(Step::RetryLater { seconds }), End::RetryLater { seconds: told }) => assert_eq!(seconds, told),
        (Err((class, detail)), End::Failed { class: told, detail: because, .. }) => {
            assert_eq!(class, told, "{because}");
            assert!(detail.starts_with(because), "{because:?} and not {detail:?}");
        }
        (expected, end) => panic!("{end:?}, expected {expected:?}"),
    }
    verdict::unchanged(&draft, &ran.draft);
    if step.is_ok() {
        assert_eq!(ran.draft.annotations, said.annotations);
    }
}
