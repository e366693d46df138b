//! `snaphook:filter@0.1.0`.

mod convert;
mod crypto;
mod host;
mod keys;

use host::HostBody;
use model::{Draft, Phase, Verdict};
use wasi::Ctx;
use wasmtime::{
    Result, Store,
    component::{HasSelf, InstancePre, Linker, Resource},
};

use crate::call::Call;

mod bindings {
    wasmtime::component::bindgen!({
        world: "filter",
        path: "../../wit",
        ownership: Borrowing { duplicate_if_necessary: true },
        imports: {
            "snaphook:filter/kv.get": async | trappable,
            "snaphook:filter/kv.set": async | trappable,
            "snaphook:filter/kv.delete": async | trappable,
            "snaphook:filter/kv.increment": async | trappable,
            "snaphook:filter/kv.compare-and-swap": async | trappable,
            "snaphook:filter/kv.once": async | trappable,
            "snaphook:filter/keys.fetch": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "snaphook:filter/body.body": super::host::HostBody,
            "snaphook:filter/types.other-edit": super::host::Never,
            "snaphook:filter/types.other-verdict": super::host::Never,
        },
    });
}

pub(crate) const WORLD: &str = "snaphook:filter@0.1.0";
pub(crate) const HANDLER: &str = "snaphook:filter/handler@0.1.0";

pub(crate) fn add_to_linker(linker: &mut Linker<Ctx>) -> Result<()> {
    bindings::Filter::add_to_linker::<Ctx, HasSelf<Call>>(linker, |ctx| {
        ctx.call.downcast_mut().expect("every store is made in `call`, with a `Call` in it")
    })
}

/// A component of this world, resolved.
pub(crate) struct Pre(bindings::FilterPre<Ctx>);

/// An instance of it.
pub(crate) struct Instance(bindings::Filter);

impl Pre {
    pub(crate) fn new(pre: InstancePre<Ctx>) -> Result<Self> {
        bindings::FilterPre::new(pre).map(Self)
    }

    pub(crate) async fn instantiate(&self, store: &mut Store<Ctx>) -> Result<Instance> {
        self.0.instantiate_async(store).await.map(Instance)
    }
}

impl Instance {
    pub(crate) async fn handle(
        &self,
        store: &mut Store<Ctx>,
        draft: &Draft,
        phase: &Phase,
    ) -> Result<Result<Verdict, String>> {
        let headers = convert::headers(&draft.current.headers);
        let strings = convert::Strings::new(draft);
        let attributes = convert::attributes(draft, &strings);
        let head = convert::head(draft, phase, &strings, &headers, &attributes);
        let body = Resource::new_borrow(HostBody::CURRENT);
        let handler = self.0.snaphook_filter_handler();
        Ok(handler.call_handle(store, head, body).await?.map(convert::verdict))
    }

    pub(crate) async fn configure(&self, store: &mut Store<Ctx>, config: &str) -> Result<Result<Vec<u8>, String>> {
        self.0.snaphook_filter_handler().call_configure(store, config).await
    }
}
