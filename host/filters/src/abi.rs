//! The versions of the promise to filter authors. Each has a folder that alone sees its generated types; which one a
//! component was built for is found once, when it is loaded.

mod v0_1;

pub(crate) use v0_1::Instance;

use wasmtime::{Result, component::Component};

use crate::module::Refused;

/// The host's functions of all versions, and WASI.
pub(crate) struct Linker(wasmtime::component::Linker<wasi::Ctx>);

impl Linker {
    pub(crate) fn new(engine: &wasmtime::Engine) -> Result<Self> {
        let mut linker = wasi::linker(engine)?;
        v0_1::add_to_linker(&mut linker)?;
        Ok(Self(linker))
    }
}

/// A component with everything resolved but the store, by the version it was built for.
pub(crate) enum Adapter {
    V0_1(v0_1::Pre),
}

/// What this host offers to import.
const OFFERED: &[&str] =
    &["snaphook:filter/", "wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Why imports of these names cannot be linked: a reason for each.
pub(crate) fn not_offered(imports: &[String]) -> impl Iterator<Item = Refused> {
    let strange = imports.iter().filter(|import| !OFFERED.iter().any(|offered| import.starts_with(offered)));
    strange.map(|import| {
        Refused(format!(
            "the component imports `{import}`, which this host does not offer; it offers `snaphook:filter/*@0.1.0` \
             and WASI 0.2 cli, clocks, filesystem, io, random and sockets (all empty)"
        ))
    })
}

/// Whether one of these exports is what the host calls. wasmtime also takes a compatible version of it.
pub(crate) fn exports_handler(exports: &[String]) -> bool {
    exports.iter().any(|export| export == v0_1::HANDLER)
}

pub(crate) fn no_handler(exports: &[impl AsRef<str>]) -> Refused {
    let exports: Vec<&str> = exports.iter().map(AsRef::as_ref).collect();
    Refused(format!(
        "the component does not export `{}`, so it is no filter of a known world; it exports {exports:?}. \
         Build it with the guest SDK, or against wit/filter.wit",
        v0_1::HANDLER
    ))
}

pub(crate) fn adapt(
    linker: &Linker,
    component: &Component,
    imports: &[String],
) -> Result<(&'static str, Adapter), Refused> {
    if let Some(refused) = not_offered(imports).next() {
        return Err(refused);
    }
    if component.get_export_index(None, v0_1::HANDLER).is_none() {
        let exports = component.component_type();
        let exports: Vec<&str> = exports.exports(component.engine()).map(|(name, _)| name).collect();
        return Err(no_handler(&exports));
    }
    let pre = linker
        .0
        .instantiate_pre(component)
        .map_err(|error| Refused(format!("the component's imports do not fit what this host offers: {error:#}")))?;
    let pre = v0_1::Pre::new(pre).map_err(|error| {
        Refused(format!("the component's exports do not fit world `snaphook:filter/filter@0.1.0`: {error:#}"))
    })?;
    Ok((v0_1::WORLD, Adapter::V0_1(pre)))
}
