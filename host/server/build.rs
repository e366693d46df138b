//! Carries the SDKs for other languages, with their templates, into the program: `snaphook new` writes them into projects, so that
//! these build without a registry that has them. Whatever is there is carried; a language that is not there cannot be chosen.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// A constant, the SDK's folder below `guest-sdk`, and what of it belongs to the package.
const LANGUAGES: [(&str, &str, &[&str]); 2] = [
    ("JAVASCRIPT", "js", &["package.json", "README.md", "src", "types", "wit", "template"]),
    ("PYTHON", "python", &["pyproject.toml", "README.md", "src/snaphook", "template"]),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let sdks = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../guest-sdk");
    let sdks = sdks.canonicalize().expect("the SDKs are in the repository");
    let mut code = String::new();
    for (constant, folder, parts) in LANGUAGES {
        let root = sdks.join(folder);
        let mut files = Vec::new();
        for part in parts.iter().map(|part| root.join(part)).filter(|part| part.exists()) {
            println!("cargo::rerun-if-changed={}", part.display());
            collect(&part, &mut files);
        }
        files.sort();
        writeln!(code, "pub(super) const {constant}: &[(&str, &str)] = &[").expect("a string takes everything");
        for file in files {
            let path = file.strip_prefix(&root).expect("it was found there").to_str().expect("names are text");
            writeln!(code, "    ({path:?}, include_str!({:?})),", file.to_str().expect("names are text"))
                .expect("a string takes everything");
        }
        code.push_str("];\n");
    }
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("sdks.rs");
    fs::write(out, code).expect("OUT_DIR can be written to");
}

/// Every file that people wrote.
fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let made = ["node_modules", "__pycache__"].contains(&&*name) || name.ends_with(".pyc") || name.ends_with(".wasm");
    if made || name.starts_with('.') {
        return;
    }
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("the SDKs can be read");
        entries.for_each(|entry| collect(&entry.expect("the SDKs can be read").path(), files));
    } else {
        files.push(path.to_owned());
    }
}
