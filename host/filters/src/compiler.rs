//! Compiling in a process of its own, with limits of time and memory: what a component makes the compiler do, it does to
//! nobody else. (wasmtime does not count a component that takes forever to compile as a fault of its own.)

use std::{
    ffi::OsString,
    io::{Read, Write},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use bytes::Bytes;
use model::limits::MODULE_BYTES_MOST;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};
use wasmtime::component::Component;

use crate::{
    engine::{Settings, config},
    inspect,
    module::Refused,
};

/// Time on the clock: an interpreter takes 8 to 20 s of one core, and the machine may have other work.
const TIME_MOST: Duration = Duration::from_secs(120);
/// Memory that the process may have.
const MEMORY_BYTES_MOST: u64 = 2 << 30;
/// Bytes of the code that it may hand over.
const CODE_BYTES_MOST: u64 = 1 << 30;
/// Bytes of the text by which it may refuse.
const TEXT_BYTES_MOST: u64 = 16 << 10;
/// How often its memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The program that compiles: it hands its standard input to `compile` and what comes of it to standard output, or says
/// why not on standard error and ends with another code than 0.
#[derive(Debug, Clone)]
pub struct Compiler {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

/// The compiled code of a component, for an engine of this version. Reads all of `input`.
pub fn compile(input: &mut impl Read, output: &mut impl Write) -> Result<(), Refused> {
    let failed = |error: std::io::Error| Refused(format!("cannot read the component: {error}"));
    // Nobody is left to end this process when the host has ended.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|error| failed(error.into()))?;
    let mut bytes = Vec::new();
    input.take(MODULE_BYTES_MOST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    inspect::inspect(&bytes)?;
    let settings = Settings { calls_most: 1, waiting_most: 0, ..Settings::default() };
    let engine = wasmtime::Engine::new(&config(&settings)).map_err(|error| Refused(format!("{error:#}")))?;
    let code = Component::new(&engine, &bytes).and_then(|component| component.serialize());
    let code = code.map_err(|error| Refused(format!("the component cannot be compiled: {error:#}")))?;
    output.write_all(&code).map_err(failed)
}

impl Compiler {
    pub(crate) async fn run(&self, component: Bytes) -> Result<Vec<u8>, Refused> {
        let failed = |error: std::io::Error| Refused(format!("the compiler cannot be run: {error}"));
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        match tokio::time::timeout(TIME_MOST, finish(&mut child, &component)).await {
            Err(_) => Err(Refused(format!("the component was not compiled within {TIME_MOST:?}: make it smaller"))),
            Ok(Err(error)) => Err(failed(error)),
            Ok(Ok(Ended::TooLarge)) => Err(Refused(format!(
                "compiling the component takes more than {} MiB of memory: make it smaller",
                MEMORY_BYTES_MOST >> 20
            ))),
            Ok(Ok(Ended::By(status, code, _))) if status.success() => Ok(code),
            Ok(Ok(Ended::By(_, _, text))) if !text.trim().is_empty() => Err(Refused(text.trim().to_owned())),
            Ok(Ok(Ended::By(status, ..))) => Err(Refused(format!("compiling the component failed: {status}"))),
        }
    }
}

/// How the process ended: by itself, with what it wrote; or because it took too much.
enum Ended {
    By(ExitStatus, Vec<u8>, String),
    TooLarge,
}

/// When this is dropped the process still lives; who owns it ends it.
async fn finish(child: &mut Child, component: &[u8]) -> std::io::Result<Ended> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(std::io::ErrorKind::BrokenPipe.into());
    };
    let (mut code, mut text) = (Vec::new(), Vec::new());
    let process = child.id();
    let (mut stdout, mut stderr) = (stdout.take(CODE_BYTES_MOST), stderr.take(TEXT_BYTES_MOST));
    let write = async {
        // Whoever refuses early does not read to the end.
        _ = stdin.write_all(component).await;
        drop(stdin);
    };
    let read = async {
        tokio::try_join!(stdout.read_to_end(&mut code), stderr.read_to_end(&mut text))?;
        child.wait().await
    };
    let both = async { tokio::join!(write, read).1 };
    tokio::select! {
        status = both => {
            Ok(Ended::By(status?, code, String::from_utf8_lossy(&text).into_owned()))
        }
        () = too_large(process) => Ok(Ended::TooLarge),
    }
}

/// Returns when the process has more memory than it may; never where that cannot be seen.
async fn too_large(process: Option<u32>) {
    let Some(process) = process else { return std::future::pending().await };
    loop {
        tokio::time::sleep(LOOK).await;
        let pages = std::fs::read_to_string(format!("/proc/{process}/statm"));
        let resident = pages.ok().and_then(|pages| pages.split(' ').nth(1)?.parse::<u64>().ok());
        match resident {
            Some(pages) if pages.saturating_mul(rustix::param::page_size() as u64) > MEMORY_BYTES_MOST => return,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}
