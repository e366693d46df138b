//! One event, from its head to its answer, top to bottom.

use std::{convert::Infallible, pin::pin};

use filters::End;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use model::{Draft, Mode, record::Disposition};

use super::{
    answer::{Answer, Body, Refusal},
    deliver, forward,
    intake::{self, Room},
    observe,
    peer::Exchange,
    reservations::Hold,
    story::{Arrival, Decided, Story},
};

/// Never fails: whatever goes wrong has an answer.
pub(super) async fn handle(mut exchange: Exchange, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    exchange.enter();
    let arrival = Arrival::of(&request);
    let (head, body) = request.into_parts();
    let gateway = &exchange.line.peer.gateway;
    let snapshot = gateway.current.load();
    let answer = match Story::begin(&exchange.line, &arrival, &snapshot, head) {
        Ok(mut story) => {
            let decided = judge(&mut story, body).await;
            story.end(decided.unwrap_or_else(Decided::from))
        }
        // 400, 404, 405
        Err(refusal) => {
            observe::event_unrouted(&gateway.counters, arrival.id, &refusal);
            intake::leave(&exchange.line, &body);
            *refusal.answer
        }
    };
    Ok(answer.into_response(&arrival, exchange))
}

async fn judge(story: &mut Story<'_>, body: Incoming) -> Result<Decided, Refusal> {
    let (gateway, line, served) = (story.gateway(), story.line, story.served);
    let mut room = Room::new(&gateway.buffer, &served.buffer);
    let wanted = served.chain.needs_body() || matches!(served.route.mode, Mode::Deliver(_));
    let taken = intake::take(line, body, wanted, served.route.body_limit, &mut room).await; // 413, 408, 503
    let (body, streamed) =
        taken.inspect_err(|error| observe::body_refused(&gateway.counters, story.arrival.id, error))?;

    let hold = Hold::on(gateway, served, story.arrival.id);
    let ran = served.chain.run(Draft::new(story.event(body)), &story.given()).await;
    let hold = hold.only_if(ran.reserved);
    let (end, draft) = story.ran(ran);

    let decided = match end {
        End::Passed => match &served.route.mode {
            Mode::Forward(candidates) => {
                let (target, request) = forward::request(story, candidates, draft, streamed)?;
                let sending = pin!(line.peer.client.send(target, request));
                let sent = line.deadline().unless_overdue(sending).await;
                forward::conclude(story, sent)
            }
            // Boxed, for it is rarely waited for and would make every request larger.
            Mode::Deliver(rule) => return Box::pin(deliver::event(story, rule, draft, hold)).await,
        },
        End::Rejected { answer, reason } => {
            Decided::new(Disposition::Rejected, Answer::rejection(answer)).because(reason)
        }
        End::Responded { answer } => Decided::new(Disposition::Responded, Answer::checked(answer)),
        End::Dropped { reason } => Decided::new(Disposition::Dropped, story.acknowledgement()).because(reason),
        End::RetryLater { seconds } => {
            let answer = Answer::retry_after(StatusCode::SERVICE_UNAVAILABLE, seconds, "send the event again later");
            Decided::new(Disposition::Rejected, answer).because(format!("again in {seconds} s"))
        }
        End::Failed { status, class, filter, detail } => {
            let answer = Answer::problem(status, "the event could not be judged");
            Decided::new(Disposition::Failed, answer).because(format!("filter {filter}: {}: {detail}", class.name()))
        }
    };
    hold.settle(decided.accepted).await;
    Ok(decided)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, B, F>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_request_in_flight_is_small() {
        // It is moved once for each request, and there is one for each connection.
        let bytes = size(handle);
        assert!(bytes <= 7 << 10, "{bytes}");
    }
}
