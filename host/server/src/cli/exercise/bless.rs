//! What came of a case is written into it as what is right; all else in the file stays as it is, comments included.

use std::path::Path;

use toml_edit::DocumentMut;

use super::expected::Expected;
use crate::cli::failure::Failure;

/// Writes a whole file or nothing.
pub(super) fn write(file: &Path, expected: &Expected) -> Result<(), Failure> {
    let cannot = |problem: String| Failure::failed(format!("cannot bless `{}`: {problem}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| cannot(error.to_string()))?;
    let blessed = put_in(&text, expected).map_err(cannot)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(|error| cannot(error.to_string()))?;
    std::io::Write::write_all(&mut new, blessed.as_bytes()).map_err(|error| cannot(error.to_string()))?;
    // A temporary file is its owner's alone; the case was not.
    let permissions = std::fs::metadata(file).map_err(|error| cannot(error.to_string()))?.permissions();
    std::fs::set_permissions(new.path(), permissions).map_err(|error| cannot(error.to_string()))?;
    new.persist(file).map_err(|error| cannot(error.to_string()))?;
    Ok(())
}

fn put_in(text: &str, expected: &Expected) -> Result<String, String> {
    let mut case: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    case.remove("expect");
    // A table may stand behind whatever else there is.
    let rest = case.to_string();
    let rest = rest.trim_end();
    let apart = if rest.is_empty() { "" } else { "\n\n" };
    Ok(format!("{rest}{apart}{}", expected.text()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_expected_changes() {
        let expected: Expected =
            serde_json::from_value(json!({ "verdict": "reject", "answer": { "status": 401 } })).unwrap();
        let text = "# why this case is here\nevent = \"../e.json\" # from production\n\n[expect]\nverdict = \"pass\"\n\n[budget]\nmax_us = 5\n";
        assert_eq!(
            put_in(text, &expected).unwrap(),
            "# why this case is here\nevent = \"../e.json\" # from production\n\n[budget]\nmax_us = 5\n\n\
             [expect]\nverdict = \"reject\"\n\n[expect.answer]\nstatus = 401\n"
        );
        let blessed = put_in("event = {}", &expected).unwrap();
        assert_eq!(put_in(&blessed, &expected).unwrap(), blessed);
        assert!(blessed.starts_with("event = {}\n\n[expect]\n"), "{blessed}");
    }
}
