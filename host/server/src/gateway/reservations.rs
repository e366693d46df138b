//! What filters reserved for an event (`kv.once`) is decided with it: kept if the event was accepted, free again in
//! every other case, whatever happens to the request.

use std::{pin::Pin, sync::Arc};

use model::EventId;
use store::journal::{Accept, Accepted};
use tokio::runtime::Handle;

use super::Gateway;
use crate::snapshot::Served;

/// Who keeps the reservations.
pub trait Reservations: Send + Sync {
    /// Decides all that the event reserved; costs nothing if that is nothing. Runs to its end even if nobody waits for
    /// it any more, and reports its own errors.
    fn settle(&self, event: EventId, accepted: bool) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Answers for an event's reservations from before its filters are called until it is decided.
pub(super) struct Hold {
    /// None if there is nothing to decide any more.
    open: Option<(Arc<dyn Reservations>, EventId)>,
}

impl Hold {
    pub(super) fn on(gateway: &Gateway, served: &Served, event: EventId) -> Self {
        let may_reserve = !served.chain.is_empty();
        Self { open: may_reserve.then(|| (Arc::clone(&gateway.reservations), event)) }
    }

    /// Nothing is left to decide if no filter reserved anything.
    pub(super) fn only_if(mut self, reserved: bool) -> Self {
        self.open = self.open.take().filter(|_| reserved);
        self
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Stores the event and decides with it. Comes to its end even if nobody waits any more.
    pub(super) async fn accept(self, gateway: &Gateway, accept: Accept) -> store::Result<Accepted> {
        let journal = Arc::clone(&gateway.journal);
        if !self.is_open() {
            return journal.accept(accept).await;
        }
        let task = tokio::spawn(async move {
            let accepted = journal.accept(accept).await;
            self.settle(matches!(accepted, Ok(Accepted::New))).await;
            accepted
        });
        // One that panicked has said so.
        task.await.unwrap_or(Err(store::Error::Busy))
    }

    pub(super) async fn settle(mut self, accepted: bool) {
        if let Some((reservations, event)) = self.open.take() {
            // In a task of its own, because a request ends at once if its sender goes away. If that task fails it has
            // said so.
            _ = tokio::spawn(reservations.settle(event, accepted)).await;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some((reservations, event)) = self.open.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(reservations.settle(event, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;
    use tokio::sync::mpsc;

    use super::*;

    /// Tells what was settled.
    struct Told(mpsc::UnboundedSender<bool>);

    impl Reservations for Told {
        fn settle(&self, _: EventId, accepted: bool) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let tell = self.0.clone();
            Box::pin(async move { tell.send(accepted).unwrap() })
        }
    }

    fn hold() -> (Hold, mpsc::UnboundedReceiver<bool>) {
        let (tell, told) = mpsc::unbounded_channel();
        let event = EventId::new(Timestamp::from_millis(1), 1);
        (Hold { open: Some((Arc::new(Told(tell)), event)) }, told)
    }

    #[tokio::test]
    async fn what_was_reserved_is_decided_once() {
        for accepted in [true, false] {
            let (hold, mut told) = hold();
            hold.only_if(true).settle(accepted).await;
            assert_eq!(told.recv().await, Some(accepted));
            assert_eq!(told.recv().await, None);
        }
        let (hold, mut told) = hold();
        hold.only_if(false).settle(true).await;
        assert_eq!(told.recv().await, None);
    }

    #[tokio::test]
    async fn what_nobody_decided_is_released() {
        let (hold, mut told) = hold();
        drop(hold);
        assert_eq!(told.recv().await, Some(false));
        assert_eq!(told.recv().await, None);
    }
}
