//! Why a command ends without having done what it was asked, and the code that the process exits with.

use std::fmt;

use model::Faults;

use super::show;

/// The text for people, and the exit code for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What happened; empty if the faults say it all.
    text: String,
    /// Everything that is wrong with what was written.
    pub(crate) faults: Faults,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    Usage = 2,
    Refused = 3,
    Unreachable = 4,
    NotFound = 5,
    Token = 6,
    /// Whoever reads the output has gone: nothing more to say.
    OutputClosed = 0,
}

/// What `snaphook help exit-codes` says.
pub(crate) const EXIT_CODES: &str = "Exit codes:
  0  it was done
  1  it failed, or what was expected (--expect) did not happen
  2  what was typed is wrong: the command line, the settings, or a file that was to be read
  3  the host refused it; the message says why
  4  the host could not be reached, or the connection broke
  5  what was named does not exist on the host
  6  the host did not accept the token";

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), faults: Faults::default() }
    }

    pub(crate) fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// What the host said about a part of something larger: put at the part's place.
    pub(crate) fn below(mut self, place: &str) -> Self {
        let mut faults = Faults::default();
        faults.take(place, std::mem::take(&mut self.faults));
        if faults.is_empty() && self.exit == Exit::Refused {
            faults.add(place, std::mem::take(&mut self.text));
        }
        Self { faults, ..self }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::new(Exit::Failed, text)
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::usage("").with_faults(faults)
    }
}

/// Made safe for a terminal: places and problems quote what others wrote.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&show::lines(&self.text))?;
        for (index, fault) in self.faults.0.iter().enumerate() {
            let before = match (self.text.is_empty(), index) {
                (true, 0) => "",
                (true, _) => "\n",
                (false, _) => "\n  ",
            };
            write!(out, "{before}{}", show::line(&fault.to_string()))?;
        }
        Ok(())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(format!("{error:#}"))
    }
}
