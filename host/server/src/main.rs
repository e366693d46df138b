//! The program `snaphook`.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main()
}
