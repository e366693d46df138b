//! The one seam to the host: its imports in a component, a host of its own in tests on the author's machine. Both sides
//! have the same functions, which are those of `wit/filter.wit`.

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod fake;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use component::Component;
#[cfg(target_arch = "wasm32")]
pub(crate) use component::{
    Body, bindings, config_prepared, config_raw, digest, key_sign, key_verify, keys_fetch, kv_compare_and_swap,
    kv_delete, kv_get, kv_increment, kv_once, kv_set, log, mac_sign, mac_verify, now, random, reveal, set_answer,
    set_deliver_after, set_idempotency_key, set_label, set_order_key, signature_verify, token_equal,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use fake::{
    Body, config_prepared, config_raw, digest, key_sign, key_verify, keys_fetch, kv_compare_and_swap, kv_delete,
    kv_get, kv_increment, kv_once, kv_set, log, mac_sign, mac_verify, now, random, reveal, set_answer,
    set_deliver_after, set_idempotency_key, set_label, set_order_key, signature_verify, token_equal,
};
