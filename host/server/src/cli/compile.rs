//! `compile`: one component, for the host that started this process.

use std::{
    io::{Write, stderr, stdin, stdout},
    process::exit,
};

use super::failure::Failure;

/// Says why not without a word around it: the host passes it on.
pub(super) fn run() -> Result<(), Failure> {
    if let Err(refused) = filters::compile(&mut stdin().lock(), &mut stdout().lock()) {
        _ = stderr().write_all(refused.0.as_bytes());
        exit(1);
    }
    Ok(())
}
