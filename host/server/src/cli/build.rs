//! `build`: a filter's project becomes a component, and is looked at as the host would look at it.

mod process;
mod rust;
mod scripted;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Global, exercise, failure::Failure, module, show};

pub(crate) use process::Leash;

#[derive(Debug, clap::Args)]
pub(crate) struct Build {
    /// The folder of the filter's Cargo.toml, package.json or pyproject.toml.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Cargo's profile, for Rust. If the crate's workspace says nothing about it, components are made small.
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,
    /// What else is handed to the language's own build, after --: to cargo build, to the script `build` of package.json, to
    /// snaphook-py build.
    #[arg(last = true, value_name = "OPTIONS")]
    options: Vec<String>,
}

/// What a project is written in, by the file that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Project {
    Rust,
    JavaScript,
    Python,
}

impl Project {
    const FILES: [(Self, &str); 3] =
        [(Self::Rust, "Cargo.toml"), (Self::JavaScript, "package.json"), (Self::Python, "pyproject.toml")];

    /// Cargo finds its file in folders around this one too.
    pub(crate) fn find(folder: &Path) -> Result<Self, Failure> {
        let here = Self::FILES.into_iter().find(|(_, file)| folder.join(file).is_file());
        let around = || {
            let folder = std::path::absolute(folder).ok()?;
            folder.ancestors().any(|around| around.join("Cargo.toml").is_file()).then_some(Self::Rust)
        };
        here.map(|(project, _)| project).or_else(around).ok_or_else(|| {
            Failure::usage(format!(
                "there is no Cargo.toml, package.json or pyproject.toml in `{}`: name a filter's folder, or make one with \
                 `snaphook new`",
                folder.display()
            ))
        })
    }
}

impl Build {
    pub(crate) fn of(dir: PathBuf, profile: String, options: Vec<String>) -> Self {
        Self { dir, profile, options }
    }

    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        for component in self.components(Leash::Loose).await? {
            show_component(global, &component).await?;
        }
        Ok(())
    }

    /// Builds; the components lie beside the project's file then. At least one.
    pub(crate) async fn components(&self, leash: Leash) -> Result<Vec<PathBuf>, Failure> {
        let (made, hint) = match Project::find(&self.dir)? {
            Project::Rust => {
                (self.build_rust(leash).await?, "a filter's Cargo.toml says [lib] crate-type = [\"cdylib\"]")
            }
            Project::JavaScript => {
                (self.build_javascript(leash).await?, "the script `build` of package.json writes a .wasm file")
            }
            Project::Python => (self.build_python(leash).await?, "`snaphook-py build` writes a .wasm file"),
        };
        if made.is_empty() {
            return Err(Failure::failed(format!("nothing in `{}` makes a component: {hint}", self.dir.display())));
        }
        made.iter().map(|component| self.bring(component)).collect()
    }

    /// Copies a component to where it is easy to name: beside the project's file.
    fn bring(&self, component: &Path) -> Result<PathBuf, Failure> {
        let copy = self.dir.join(component.file_name().unwrap_or_default());
        let copy = copy.strip_prefix(".").map(Path::to_owned).unwrap_or(copy);
        if component.parent() == Some(&self.dir) {
            return Ok(copy);
        }
        match std::fs::copy(component, &copy) {
            Ok(_) => Ok(copy),
            Err(error) => Err(Failure::failed(format!("cannot write `{}`: {error}", copy.display()))),
        }
    }
}

async fn show_component(global: &Global, path: &Path) -> Result<(), Failure> {
    let loaded = exercise::load(path).await?;
    let size = module::read(path)?.len() as u64;
    let shown = path.display().to_string();
    if global.json {
        return show::print_json_line(&json!({
            "file": shown,
            "size": size,
            "digest": loaded.digest,
            "world": loaded.world,
            "imports": loaded.imports,
            "manifest": loaded.manifest,
        }));
    }
    show::print(&show::facts(&[
        ("component", shown.clone()),
        ("size", show::bytes(size)),
        ("digest", loaded.digest.to_string()),
        ("world", loaded.world.to_owned()),
        ("imports", module::imports(&loaded.imports)),
        ("needs", module::needs(&loaded.manifest)),
        ("next", format!("snaphook test {shown} --event events/example.json\nsnaphook module push {shown}")),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_known_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let none = Project::find(folder.path()).unwrap_err().to_string();
        assert!(none.starts_with("there is no Cargo.toml, package.json or pyproject.toml in `"), "{none}");
        for (project, file) in Project::FILES.into_iter().rev() {
            std::fs::write(folder.path().join(file), "").unwrap();
            assert_eq!(Project::find(folder.path()).unwrap(), project);
        }
        std::fs::create_dir(folder.path().join("src")).unwrap();
        assert_eq!(Project::find(&folder.path().join("src")).unwrap(), Project::Rust);
    }
}
