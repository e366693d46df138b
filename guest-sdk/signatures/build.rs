//! Writes the recipes of `providers/` and the samples of `samples/` down as constants, sorted by name.

use std::{env, fmt::Write as _, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=providers");
    println!("cargo::rerun-if-changed=samples");
    let mut recipes = String::from("&[");
    for file in files(Path::new("providers"))? {
        let text = fs::read_to_string(&file)?;
        let mut recipe: toml::Table =
            toml::from_str(&text).map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
        // What only people and the simulator read.
        let send = recipe.remove("send").unwrap_or_else(|| toml::Table::new().into());
        let texts: toml::Table =
            ["note"].into_iter().filter_map(|key| Some((key.to_owned(), recipe.remove(key)?))).collect();
        let [recipe, send, texts] =
            [serde_json::to_string(&recipe)?, serde_json::to_string(&send)?, serde_json::to_string(&texts)?];
        writeln!(recipes, "File {{ name: {:?}, recipe: {recipe:?}, send: {send:?}, texts: {texts:?} }},", stem(&file))
            .expect("a string takes everything");
    }
    recipes.push(']');
    let mut samples = String::from("&[");
    for folder in files(Path::new("samples"))? {
        for file in files(&folder)? {
            let path = fs::canonicalize(&file)?;
            let kind = file.extension().is_some_and(|extension| extension == "form");
            writeln!(
                samples,
                "Sample {{ provider: {:?}, event: {:?}, form: {kind}, body: include_bytes!({path:?}) }},",
                stem(&folder),
                stem(&file)
            )
            .expect("a string takes everything");
        }
    }
    samples.push(']');
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("recipes.rs"), recipes)?;
    fs::write(Path::new(&out).join("samples.rs"), samples)
}

fn files(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut files: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.sort_by_key(|file| stem(file));
    Ok(files)
}

/// The name without the last extension: samples have dots in their names.
fn stem(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if file.is_dir() {
        return name;
    }
    name.rsplit_once('.').map_or(name.clone(), |(stem, _)| stem.to_owned())
}
