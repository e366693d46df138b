//! A filter whose instance is kept from one call to the next: for the benches alone, to say what reuse would save. The
//! host never does this, since a filter would find in its memory what an earlier event left there.

use std::sync::Arc;

use model::{Draft, Verdict};
use wasi::Ctx;
use wasmtime::Store;

use crate::{
    abi::{Adapter, Instance},
    call::{self, Call, Handling},
    chain::Given,
    filter::Filter,
};

pub struct Warm {
    filter: Arc<Filter>,
    store: Store<Ctx>,
    instance: Instance,
}

impl std::fmt::Debug for Warm {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Warm").field("filter", &self.filter).finish_non_exhaustive()
    }
}

impl Warm {
    /// Brings the instance up, with an event that is like those to come.
    pub async fn new(filter: &Arc<Filter>, draft: &Draft, given: &Given) -> Result<Self, String> {
        let mut store = call::store(&filter.module, &filter.limits, one_call(filter, draft, given), draft.body().len());
        let Adapter::V0_1(pre) = &filter.module.adapter;
        let instance = pre.instantiate(&mut store).await.map_err(|error| format!("{error:#}"))?;
        Ok(Self { filter: Arc::clone(filter), store, instance })
    }

    /// One call, with the permit, the limits and the state of a fresh one. After an error the instance is dead.
    pub async fn call(&mut self, draft: &Draft, given: &Given) -> Result<Verdict, String> {
        let Self { filter, store, instance } = self;
        store.data_mut().call = Box::new(one_call(filter, draft, given));
        call::allow(store, &filter.limits, draft.body().len());
        let deadline = tokio::time::Instant::now() + filter.limits.wall;
        let permit = tokio::time::timeout_at(deadline, filter.lane.permit()).await;
        let _permit = permit.map_err(|_| "no place to run became free in time")?;
        match tokio::time::timeout_at(deadline, instance.handle(store, draft, &given.phase)).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(_) => Err(format!("no verdict after {:?}", filter.limits.wall)),
        }
    }
}

fn one_call(filter: &Arc<Filter>, draft: &Draft, given: &Given) -> Call {
    Call::new(&filter.limits, given.now, wasi::seed(), Some(Handling::new(filter, draft, given)))
}
