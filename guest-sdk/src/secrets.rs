//! Secrets in the clear. Needs a grant of its own, which is rarely right: prefer [`hmac`](crate::hmac) and
//! [`verify`](crate::verify), where the secret stays with the host.

use crate::{error::CallError, host};

/// The newest value of a secret that is granted to be revealed; say so in `export!` with `reveal: ["name"]`.
pub fn reveal(name: &str) -> Result<Vec<u8>, CallError> {
    host::reveal(name)
}

/// Whether two values are the same, in a time that does not tell where they differ.
///
/// ```
/// use snaphook_sdk::secrets;
///
/// assert!(secrets::equal(b"token", b"token"));
/// assert!(!secrets::equal(b"token", b"tokem"));
/// ```
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |bits, (a, b)| bits | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differing) == 0
}
