//! The token that opens the admin API: 256 random bits, in a file that only its owner can read.

use std::{fmt, path::Path};

use anyhow::{Context, Result, bail};
use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
    rand,
};

use crate::private_file;

const RANDOM_BYTES: usize = 32;
/// The fewest characters that a token in a file has; what is made here has 64.
const CHARACTERS_LEAST: usize = 32;

/// A token, to compare others with. Only its SHA-256 is kept.
pub struct Token([u8; 32]);

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(…)")
    }
}

impl Token {
    pub fn new(text: &str) -> Self {
        Self(sha256(text))
    }

    /// The token in the file, which is made if it is not there. Refuses a file that others can read. Blocks.
    pub fn open_or_create(path: &Path) -> Result<Self> {
        let mut random = [0; RANDOM_BYTES];
        rand::fill(&mut random).ok().context("the machine gives no random numbers for the admin token")?;
        let bytes = private_file::open_or_create(path, || format!("{}\n", hex::encode(random)).into_bytes())?;
        let text = str::from_utf8(&bytes).unwrap_or_default().trim();
        if text.len() < CHARACTERS_LEAST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!(
                "{} holds no token, which is {CHARACTERS_LEAST} or more printable characters without spaces: remove it \
                 and a new one is made",
                path.display()
            );
        }
        Ok(Self::new(text))
    }

    /// Whether this is it, in a time that says nothing about it.
    pub fn is(&self, given: &str) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &sha256(given)).is_ok()
    }
}

fn sha256(text: &str) -> [u8; 32] {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        let token = Token::open_or_create(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.trim().len(), 64);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(token.is(text.trim()));
        assert!(!token.is(&text.trim()[1..]) && !token.is(""));
        assert!(Token::open_or_create(&path).unwrap().is(text.trim()));
        assert!(!format!("{token:?}").contains(&text[..8]));
    }

    #[test]
    fn a_file_that_cannot_be_right_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        let refused = |path: &Path| Token::open_or_create(path).unwrap_err().to_string();
        std::fs::write(&path, "a".repeat(64)).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let shown = path.display();
        assert_eq!(refused(&path), format!("{shown} can be read by others (mode 644): run `chmod 600 {shown}`"));
        std::fs::write(&path, "short\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(refused(&path).starts_with(&format!("{shown} holds no token, which is 32 or more")));
    }
}
