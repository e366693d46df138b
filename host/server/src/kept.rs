//! Between the filters' key-value interface and the journal that keeps it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use filters::kv::{Error, Kv, Reservation, Scope};
use model::{EventId, Timestamp};
use store::{Journal, journal};

/// The real key-value store of the filters.
#[derive(Debug, Clone)]
pub struct Kept(pub Arc<dyn Journal>);

fn whose(scope: &Scope) -> journal::Scope<'_> {
    journal::Scope {
        project: scope.project.as_str(),
        route: scope.route.as_str(),
        filter: scope.filter.as_str(),
        namespace: &scope.namespace,
    }
}

fn failed(error: store::Error) -> Error {
    match error {
        store::Error::Limit { .. } => Error::Limit(error.to_string()),
        store::Error::Invalid { .. } => Error::Invalid(error.to_string()),
        other => {
            // The guest learns that it failed, the operator why.
            tracing::error!(error = &other as &dyn std::error::Error, "key-value store failed");
            Error::Unavailable("try again later".to_owned())
        }
    }
}

fn expires(ttl: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    ttl.map(|ttl| now.after(ttl))
}

#[async_trait]
impl Kv for Kept {
    async fn get(&self, scope: &Scope, key: &str, now: Timestamp) -> Result<Option<Bytes>, Error> {
        self.0.kv_get(whose(scope), key, now).await.map_err(failed)
    }

    async fn set(
        &self,
        scope: &Scope,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.0.kv_set(whose(scope), key, value, expires(ttl, now), now).await.map_err(failed)
    }

    async fn delete(&self, scope: &Scope, key: &str) -> Result<(), Error> {
        self.0.kv_delete(whose(scope), key).await.map_err(failed)
    }

    async fn increment(
        &self,
        scope: &Scope,
        key: &str,
        delta: i64,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<i64, Error> {
        self.0.kv_increment(whose(scope), key, delta, expires(ttl, now), now).await.map_err(failed)
    }

    async fn compare_and_swap(
        &self,
        scope: &Scope,
        key: &str,
        expected: Option<&[u8]>,
        value: Bytes,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let expected = expected.map(Bytes::copy_from_slice);
        let swapped = self.0.kv_compare_and_swap(whose(scope), key, expected, value, expires(ttl, now), now);
        swapped.await.map_err(failed)
    }

    async fn once(
        &self,
        scope: &Scope,
        key: &str,
        event: EventId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Reservation, Error> {
        let reserved = self.0.reserve(whose(scope), key, event, now.after(ttl), now).await.map_err(failed)?;
        Ok(match reserved {
            journal::Reservation::First => Reservation::First,
            journal::Reservation::Pending => Reservation::Pending,
            journal::Reservation::Known => Reservation::Known,
        })
    }
}
