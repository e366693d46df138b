//! The macro that makes a component of a filter.

/// Makes the crate's component of a filter, and writes its manifest.
///
/// ```text
/// snaphook_sdk::export!(Guard, body: buffered, secrets: ["webhook"], kv: ["seen"], config_schema: "config.schema.json");
/// ```
///
/// | key | value | left out |
/// |---|---|---|
/// | `body` | `none` if the filter never looks at the body, so that the host may stream it past; `buffered` | `buffered` |
/// | `secrets` | names of the secrets that it verifies and signs with | none |
/// | `reveal` | names of the secrets that it reads in the clear | none |
/// | `kv` | names of its key-value namespaces | none |
/// | `optional_secrets`, `optional_kv` | the same for what it needs or not, as it is configured | none |
/// | `keys` | beginnings of URLs from which it may have keys fetched, as it is configured | none |
/// | `config_schema` | a file beside `Cargo.toml`: the JSON Schema (2020-12) of its configuration | none |
///
/// What is asked for here is granted by the operator who attaches the filter. Once per crate; the crate's type is
/// `cdylib`.
#[macro_export]
macro_rules! export {
    ($filter:ty $(, $key:ident : $value:tt)* $(,)?) => {
        impl $crate::manifest::Module for $filter {
            const MANIFEST: $crate::manifest::Manifest =
                $crate::manifest::Manifest::new()$(.$key($crate::__asked!($key $value)))*;
        }

        // Outside of tests this is the filter's only use where no component is built.
        #[cfg(not(target_arch = "wasm32"))]
        const _: $crate::manifest::Manifest = <$filter as $crate::manifest::Module>::MANIFEST;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            const MANIFEST: $crate::manifest::Manifest = <$filter as $crate::manifest::Module>::MANIFEST;

            #[used]
            #[unsafe(link_section = "snaphook:manifest")]
            static SECTION: [u8; MANIFEST.length()] = MANIFEST.json();

            type Component = $crate::__component::Component<$filter>;
            $crate::__component::export!(Component with_types_in $crate::__component);
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __asked {
    (body none) => {
        $crate::manifest::BodyNeed::None
    };
    (body buffered) => {
        $crate::manifest::BodyNeed::Buffered
    };
    (body $other:tt) => {
        ::std::compile_error!("`body` is `none` or `buffered`")
    };
    (config_schema $file:literal) => {
        ::std::include_str!(::std::concat!(::std::env!("CARGO_MANIFEST_DIR"), "/", $file))
    };
    ($key:ident [$($name:literal),* $(,)?]) => {
        &[$($name),*]
    };
    ($key:ident $other:tt) => {
        ::std::compile_error!("`secrets`, `reveal` and `kv` are lists of names: [\"webhook\"]")
    };
}
