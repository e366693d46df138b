//! What events can be sent to. Each kind of destination is one implementation of `Destination`.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use model::{
    Delivery, Event, Timestamp,
    delivery::{AnswerSeen, Timings},
};

pub mod http;

/// Something that takes events. Made once when it is configured; used by many attempts at the same time.
#[async_trait]
pub trait Destination: fmt::Debug + Send + Sync {
    /// Sends one message, once, and tells what that came to: whatever goes wrong is told in the same way. Nothing is
    /// sent any more when this is dropped.
    async fn send(&self, message: Message<'_>) -> Sent;

    /// Sending never takes longer.
    fn longest(&self) -> Duration;
}

/// What is sent, in one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its id is the same in all attempts, so that receivers can tell what they have already.
    pub delivery: &'a Delivery,
    /// What its route and the destination's filters made of the event.
    pub event: &'a Event,
    /// When the attempt is made.
    pub now: Timestamp,
}

/// What sending came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub timings: Timings,
    pub end: End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The destination answered; what that means is for its policy to say.
    Answered { answer: AnswerSeen, asks: Asks },
    /// There was no answer. The destination may have the message all the same.
    Failed { reason: String },
    /// This message cannot be sent there, however often it is tried.
    Unsendable { reason: String },
}

/// What a destination asks for beside saying whether it took the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asks {
    pub wait: Option<Wait>,
    /// Not to send this message again.
    pub abort: bool,
    /// Not to send anything any more.
    pub disable: bool,
}

/// Until when it wants to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    For(Duration),
    Until(Timestamp),
}
