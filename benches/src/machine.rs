//! Where and when something was measured.

use std::{fs, thread};

/// One line: date, processor, cores, kernel, and how busy the machine was.
pub fn line() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = processors.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
        line.unwrap_or_default().trim().to_owned()
    };
    format!(
        "{}, {} (family {}, model {}), {} cores, Linux {}, load average before {}",
        jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"),
        field("model name"),
        field("cpu family"),
        field("model\t"),
        thread::available_parallelism().map_or(0, usize::from),
        read("/proc/sys/kernel/osrelease").trim(),
        read("/proc/loadavg").split(' ').next().unwrap_or_default(),
    )
}
