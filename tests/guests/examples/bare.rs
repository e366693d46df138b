//! A module without a manifest, as a guest in any other language would be that was built without an SDK: sets header
//! `x-bare` to the length of the body.

#[cfg(target_arch = "wasm32")]
mod component {
    use snaphook_sdk::__component::{
        exports::snaphook::filter::handler::Guest,
        snaphook::filter::{
            body::Body,
            types::{Edit, Head, Verdict},
        },
    };

    struct Bare;

    impl Guest for Bare {
        fn handle(_head: Head, body: &Body) -> Result<Verdict, String> {
            Ok(Verdict::Edit(vec![Edit::SetHeader(("x-bare".to_owned(), body.len().to_string().into_bytes()))]))
        }

        fn configure(config: String) -> Result<Vec<u8>, String> {
            Ok(config.into_bytes())
        }
    }

    snaphook_sdk::__component::export!(Bare with_types_in snaphook_sdk::__component);
}
