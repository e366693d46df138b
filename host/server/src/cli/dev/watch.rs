//! What changes in a project's folder.

use std::{
    path::{Component, Path, PathBuf},
    time::Duration,
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::cli::failure::Failure;

/// Editors write a file in several steps, and several files at once: what changes within this time is one change.
const QUIET: Duration = Duration::from_millis(150);
/// What builds write, and nobody by hand. To install the SDK out of `vendor`, pip builds it there, and npm makes its program one
/// that can be run.
const BUILT: [&str; 9] = [
    "target",
    "node_modules",
    "__pycache__",
    "build",
    "dist",
    "vendor",
    "Cargo.lock",
    "package-lock.json",
    "snaphook-data",
];

/// Says that something changed, once for all that changes within a moment. Watching ends when the receiver is dropped.
pub(super) fn start(folder: &Path) -> Result<mpsc::Receiver<()>, Failure> {
    let shown = folder.display().to_string();
    let cannot = move |error: notify::Error| Failure::failed(format!("cannot watch `{shown}`: {error}"));
    let root = std::fs::canonicalize(folder)
        .map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", folder.display())))?;
    let (seen, mut sees) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Nobody listens any more when the command ends.
        _ = seen.send(event);
    })
    .map_err(&cannot)?;
    watch_below(&mut watcher, &root, &root).map_err(&cannot)?;
    let (say, said) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                event = sees.recv() => event,
                () = say.closed() => return,
            };
            let Some(mut changed) = event.map(|event| take(&mut watcher, &root, event)) else { return };
            while let Ok(Some(event)) = tokio::time::timeout(QUIET, sees.recv()).await {
                changed |= take(&mut watcher, &root, event);
            }
            // One that waits to be looked at stands for this one too.
            if changed && matches!(say.try_send(()), Err(mpsc::error::TrySendError::Closed(()))) {
                return;
            }
        }
    });
    Ok(said)
}

/// Whether an event is about something that people write; folders that are new are watched from now on.
fn take(watcher: &mut RecommendedWatcher, root: &Path, event: notify::Result<Event>) -> bool {
    // What was missed may have been anything.
    let Ok(event) = event else { return true };
    if event.need_rescan() {
        return true;
    }
    // Who only looks changes nothing; to look into folders for that would be seen as well, and so for ever.
    if matches!(event.kind, EventKind::Access(_) | EventKind::Other) {
        return false;
    }
    let written: Vec<&PathBuf> = event.paths.iter().filter(|path| is_written(root, path)).collect();
    if !matches!(event.kind, EventKind::Remove(_)) {
        for folder in written.iter().filter(|path| path.is_dir() && path.as_path() != root) {
            // It may be gone again.
            _ = watch_below(watcher, root, folder);
        }
    }
    !written.is_empty()
}

/// Each folder by itself, so that what builds write costs nothing.
fn watch_below(watcher: &mut RecommendedWatcher, root: &Path, folder: &Path) -> notify::Result<()> {
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    let entries = std::fs::read_dir(folder)?.filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        if is_written(root, &entry.path()) {
            watch_below(watcher, root, &entry.path())?;
        }
    }
    Ok(())
}

/// Whether people write this: not what a build does, nor what begins with a dot.
fn is_written(root: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(root) else { return false };
    let hidden = below.components().any(|part| match part {
        Component::Normal(name) => {
            let name = name.to_string_lossy();
            name.starts_with('.') || name == "__pycache__" || name == "node_modules" || name.ends_with(".egg-info")
        }
        _ => false,
    });
    // In a folder inside, `build` may be a module.
    let first = below.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let built = first.is_some_and(|first| BUILT.contains(&first.as_str()));
    let made = path.extension().is_some_and(|kind| kind == "wasm" || kind == "pyc")
        || path.file_name().is_some_and(|name| name.to_string_lossy().ends_with('~'));
    !hidden && !built && !made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_people_write_counts() {
        let root = Path::new("/p");
        for (path, written) in [
            ("/p/src/lib.rs", true),
            ("/p/src/build/mod.rs", true),
            ("/p/route.toml", true),
            ("/p/target/x", false),
            ("/p/build/x.py", false),
            ("/p/vendor/snaphook-sdk/build/lib/x.py", false),
            ("/p/Cargo.lock", false),
            ("/p/filter.wasm", false),
            ("/p/src/__pycache__/a.pyc", false),
            ("/p/.git/index", false),
            ("/p/src/.lib.rs.swp", false),
            ("/p/src/lib.rs~", false),
            ("/elsewhere", false),
        ] {
            assert_eq!(is_written(root, Path::new(path)), written, "{path}");
        }
    }

    #[tokio::test]
    async fn a_change_is_said_also_in_a_folder_that_is_new() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("target")).unwrap();
        let mut changes = start(folder.path()).unwrap();
        std::fs::write(folder.path().join("target/x"), "").unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        changes.recv().await.unwrap();
        std::fs::write(folder.path().join("src/lib.rs"), "").unwrap();
        changes.recv().await.unwrap();
    }
}
