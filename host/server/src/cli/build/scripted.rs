//! Projects in JavaScript and Python: what they need is installed into their own folder, then their own build runs.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

use super::{
    Build,
    process::{Leash, Program},
};
use crate::cli::{failure::Failure, show};

const NODE: &str = "Node.js and npm come from https://nodejs.org";
const PYTHON: &str = "Python comes from https://www.python.org";

/// Where builds put components, below the project's folder.
const OUTPUTS: [&str; 3] = ["", "dist", "build"];
/// In `.venv`: what was asked for when it was last installed.
const INSTALLED: &str = ".venv/snaphook-requirements.txt";

impl Build {
    pub(super) async fn build_javascript(&self, leash: Leash) -> Result<Vec<PathBuf>, Failure> {
        let npm = || Program::new("npm", &self.dir, leash, NODE);
        if !has_packages(&self.dir) {
            show::note("installing what package.json asks for: npm install");
            npm().args(["install", "--no-audit", "--no-fund"]).run("npm install").await?;
        }
        let before = components(&self.dir);
        let build = npm().args(["run", "--silent", "build"]);
        let build = if self.options.is_empty() { build } else { build.args(["--"]).args(&self.options) };
        build.run("npm run build").await?;
        Ok(written(&self.dir, &before))
    }

    pub(super) async fn build_python(&self, leash: Leash) -> Result<Vec<PathBuf>, Failure> {
        let bin = std::path::absolute(self.dir.join(".venv/bin")).unwrap_or_else(|_| self.dir.join(".venv/bin"));
        let python = || Program::new(bin.join("python"), &self.dir, leash, PYTHON);
        if !python().args(["-c", "import pip"]).works().await {
            show::note("making a place for what requirements.txt asks for: python3 -m venv .venv");
            Program::new("python3", &self.dir, leash, PYTHON)
                .args(["-m", "venv", ".venv"])
                .run("python3 -m venv")
                .await?;
        }
        let asked = std::fs::read_to_string(self.dir.join("requirements.txt"));
        let asked = asked.map_err(|error| {
            let file = self.dir.join("requirements.txt");
            Failure::usage(format!("`{}` cannot be read: {error}; it says what the filter needs", file.display()))
        })?;
        let installed = self.dir.join(INSTALLED);
        if std::fs::read_to_string(&installed).ok().as_deref() != Some(&asked) {
            show::note("installing what requirements.txt asks for: pip install");
            let install = ["-m", "pip", "install", "--disable-pip-version-check", "-r", "requirements.txt"];
            python().args(install).run("pip install").await?;
            std::fs::write(&installed, &asked)
                .map_err(|error| Failure::failed(format!("cannot write `{}`: {error}", installed.display())))?;
        }
        let before = components(&self.dir);
        let build = Program::new(bin.join("snaphook-py"), &self.dir, leash, "requirements.txt must name snaphook-sdk");
        build.args(["build"]).args(&self.options).run("snaphook-py build").await?;
        Ok(written(&self.dir, &before))
    }
}

/// Whether npm has installed what package.json and its lock file ask for, and neither has changed since; or nothing is asked
/// for.
fn has_packages(folder: &Path) -> bool {
    if asks_for_nothing(folder) {
        return true;
    }
    let changed = |file: &str| std::fs::metadata(folder.join(file)).and_then(|metadata| metadata.modified()).ok();
    // npm writes it last.
    let Some(installed) = changed("node_modules/.package-lock.json") else { return false };
    ["package.json", "package-lock.json"].into_iter().filter_map(changed).all(|changed| changed <= installed)
}

fn asks_for_nothing(folder: &Path) -> bool {
    let text = std::fs::read(folder.join("package.json")).unwrap_or_default();
    let Ok(Value::Object(package)) = serde_json::from_slice(&text) else { return false };
    let kinds = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "workspaces"];
    kinds.iter().all(|kind| !package.contains_key(*kind))
}

/// When each component was written.
type Components = HashMap<PathBuf, SystemTime>;

fn components(folder: &Path) -> Components {
    let folders = OUTPUTS.iter().map(|output| if output.is_empty() { folder.to_owned() } else { folder.join(output) });
    let entries = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().filter_map(Result::ok);
    let components = entries.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "wasm"));
    components.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?))).collect()
}

/// Those that a build wrote, anew or again.
fn written(folder: &Path, before: &Components) -> Vec<PathBuf> {
    let after = components(folder).into_iter();
    let mut written: Vec<PathBuf> =
        after.filter(|(path, time)| before.get(path) != Some(time)).map(|(path, _)| path).collect();
    written.sort();
    written
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[test]
    fn what_a_build_writes_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |file: &str| folder.path().join(file);
        fs::create_dir(at("dist")).unwrap();
        for file in ["old.wasm", "again.wasm", "dist/text.js"] {
            fs::write(at(file), "").unwrap();
        }
        let before = components(folder.path());
        fs::write(at("dist/new.wasm"), "").unwrap();
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().append(true).open(at("again.wasm")).unwrap().set_modified(later).unwrap();
        assert_eq!(written(folder.path(), &before), [at("again.wasm"), at("dist/new.wasm")]);
    }

    #[test]
    fn packages_are_installed_when_what_is_asked_for_changes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |file: &str| folder.path().join(file);
        fs::write(at("package.json"), "{}").unwrap();
        assert!(has_packages(folder.path()));
        fs::write(at("package.json"), r#"{"dependencies": {}}"#).unwrap();
        assert!(!has_packages(folder.path()));
        fs::create_dir(at("node_modules")).unwrap();
        fs::write(at("node_modules/.package-lock.json"), "{}").unwrap();
        assert!(has_packages(folder.path()));
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().append(true).open(at("package.json")).unwrap().set_modified(later).unwrap();
        assert!(!has_packages(folder.path()));
    }
}
