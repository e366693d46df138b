//! `secret`: what filters verify and sign with. A value is read from where no other process can see it: never from the
//! command line.

use std::{
    io::{IsTerminal, Read as _, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{Name, Secret};
use serde_json::json;

use super::{
    Global,
    answers::{self, List},
    failure::Failure,
    show,
};

/// Bytes of a value that are read at all; what the host takes is less.
const VALUE_BYTES_MOST: u64 = 64 << 10;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Commands {
    /// Keep a secret, or give it a new value. The value comes from standard input unless an option says otherwise.
    Set(Set),
    /// List all secrets; their values are never shown.
    List,
    /// Remove a secret that no filter uses.
    Rm {
        /// Its name.
        name: Name,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Its name.
    name: Name,
    /// A file that holds the value; a line break at its end is left out.
    #[arg(long, value_name = "FILE", conflicts_with = "env")]
    value_file: Option<PathBuf>,
    /// An environment variable that holds the value.
    #[arg(long, value_name = "VARIABLE")]
    env: Option<String>,
    /// Keep the earlier values valid for verifying, while senders change over to the new one.
    #[arg(long)]
    keep_previous: bool,
}

impl Commands {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Set(set) => set.run(global).await,
            Self::List => {
                let answer = global.client()?.get("/secrets").await?;
                global.show(&answer, |List { items }: List<answers::Secret>| {
                    let rows = items.into_iter().map(|secret| {
                        let (created, updated) = (show::time(secret.created), show::time(secret.updated));
                        vec![secret.name, secret.values.to_string(), created, updated]
                    });
                    show::table(&["name", "values", "created", "updated"], rows)
                })
            }
            Self::Rm { name } => {
                let answer = global.client()?.delete(&format!("/secrets/{name}")).await?;
                global.done(&answer, &format!("secret {name} is removed"))
            }
        }
    }
}

impl Set {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        let value = match (&self.value_file, &self.env) {
            (Some(file), _) => of_file(file).map_err(|problem| Failure::usage(format!("--value-file: {problem}")))?,
            (None, Some(variable)) => {
                of_variable(variable).map_err(|problem| Failure::usage(format!("--env: {problem}")))?
            }
            (None, None) => of_standard_input(&self.name).await?,
        };
        if value.expose().is_empty() {
            return Err(Failure::usage("the value is empty"));
        }
        let ends = [value.expose().first(), value.expose().last()];
        if ends.iter().flatten().any(|end| end.is_ascii_whitespace() || b"\"'".contains(end)) {
            let odd = show::styled(show::ODD, "note:");
            show::note(&format!(
                "{odd} the value begins or ends with white space or a quote, which is kept as a part of it"
            ));
        }
        let body = json!({ "value_base64": STANDARD.encode(value.expose()), "keep_previous": self.keep_previous });
        let answer = global.client()?.put(&format!("/secrets/{}", self.name), &body).await?;
        global.show(&answer, |secret: answers::Secret| {
            let values = if secret.values == 1 {
                "1 value is valid".to_owned()
            } else {
                format!("{} values are valid", secret.values)
            };
            let alone = self.keep_previous && secret.values == 1;
            let alone = if alone { ": there was no other to keep; is the name right?" } else { "" };
            format!("secret {} is kept; {values}{alone}\n", show::line(&secret.name))
        })
    }
}

/// For clap: the value of an option.
pub(crate) fn of_text(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.trim().as_bytes().to_vec()))
}

pub(crate) fn of_file(file: &Path) -> Result<Secret, String> {
    let shown = file.display();
    let open = std::fs::File::open(file).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    read(open).map_err(|error| format!("`{shown}` cannot be read: {error}"))
}

pub(crate) fn of_variable(variable: &str) -> Result<Secret, String> {
    match std::env::var_os(variable) {
        Some(value) => Ok(Secret::new(without_line_break(value.into_encoded_bytes()))),
        None => Err(format!("the environment variable `{variable}` is not set")),
    }
}

async fn of_standard_input(name: &Name) -> Result<Secret, Failure> {
    let cannot = |error: std::io::Error| Failure::failed(format!("cannot read the value from standard input: {error}"));
    let input = std::io::stdin();
    if !input.is_terminal() {
        return read(input.lock()).map_err(cannot);
    }
    let silence = Silence::keep().map_err(cannot)?;
    // Without it one would not know what is being waited for.
    _ = write!(std::io::stderr(), "value of secret {name} (not shown): ");
    // In a thread, so that Ctrl-C finds somebody who makes the terminal show again what is typed; the thread itself ends
    // with the process.
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        tell.send(input.read_line(&mut line).map(|_| line))
    });
    let typed = tokio::select! {
        typed = told => typed.ok(),
        _ = tokio::signal::ctrl_c() => None,
    };
    drop(silence);
    _ = writeln!(std::io::stderr());
    let line = typed.ok_or_else(|| Failure::failed("nothing was changed"))?.map_err(cannot)?;
    Ok(Secret::new(without_line_break(line.into_bytes())))
}

/// To the end, without a line break there, which editors and `echo` add.
fn read(source: impl std::io::Read) -> std::io::Result<Secret> {
    let mut bytes = Vec::new();
    source.take(VALUE_BYTES_MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > VALUE_BYTES_MOST {
        return Err(std::io::Error::other(format!("it is longer than {VALUE_BYTES_MOST} bytes")));
    }
    Ok(Secret::new(without_line_break(bytes)))
}

fn without_line_break(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}

/// While it lives, the terminal does not show what is typed.
struct Silence(rustix::termios::Termios);

impl Silence {
    fn keep() -> std::io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

        let before = tcgetattr(std::io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // The terminal is as it is if it cannot be put back.
        _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_is_left_out() {
        for (written, kept) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("\n", ""), ("a\r", "a\r")]
        {
            assert_eq!(read(written.as_bytes()).unwrap().expose(), kept.as_bytes(), "{written:?}");
        }
        let long = vec![b'x'; 64 << 10 | 1];
        assert_eq!(read(long.as_slice()).unwrap_err().to_string(), "it is longer than 65536 bytes");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let problem = of_variable("SURELY_NOT_SET_ANYWHERE").unwrap_err();
        assert_eq!(problem, "the environment variable `SURELY_NOT_SET_ANYWHERE` is not set");
        assert!(of_file(Path::new("/no/such/file")).unwrap_err().starts_with("`/no/such/file` cannot be read: "));
    }
}
