//! `snaphook new --lang` and `snaphook build` for languages other than Rust. What their packages do is tested beside them; here it
//! is what the command line does around them.

use std::os::unix::fs::PermissionsExt as _;

use super::Bench;
use crate::support::{guest, repository};

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_project_is_built_by_its_own_script() {
    let bench = Bench::new();
    bench.write("package.json", r#"{"name": "guard", "private": true, "scripts": {"build": "echo building; mkdir -p dist; cp source.bin dist/my-guard.wasm"}}"#);
    bench.write("source.bin", guest("hello"));
    let (shown, errors) = bench.runs(&["build"], 0).await;
    assert!(
        shown.starts_with("component  my-guard.wasm\n") && shown.contains("snaphook module push my-guard.wasm"),
        "{shown}"
    );
    assert!(errors.contains("building\n") && !shown.contains("building"), "{errors}");
    assert_eq!(std::fs::read(bench.folder().join("my-guard.wasm")).unwrap(), guest("hello"));
    let built = bench.json(&["build"], 0).await;
    assert_eq!(built["file"], "my-guard.wasm");

    bench.write("package.json", r#"{"name": "guard", "private": true, "scripts": {"build": "exit 3"}}"#);
    let (_, errors) = bench.runs(&["build"], 1).await;
    assert!(errors.ends_with("error: npm run build failed (exit status: 3)\n"), "{errors}");
    bench.write("package.json", r#"{"name": "guard", "private": true, "scripts": {"build": "true"}}"#);
    let (_, errors) = bench.runs(&["build"], 1).await;
    assert!(errors.contains("nothing in `.` makes a component: the script `build` of package.json"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_project_is_built_in_a_place_of_its_own() {
    let bench = Bench::new();
    bench.write("pyproject.toml", "[project]\nname = \"guard\"\n");
    let (_, errors) = bench.runs(&["build", "."], 2).await;
    assert!(errors.contains("`./requirements.txt` cannot be read: "), "{errors}");
    // The place is a real one; what would be installed from elsewhere stands there already.
    bench.write("requirements.txt", "");
    let (_, errors) = bench.runs(&["build"], 1).await;
    assert!(errors.contains("requirements.txt must name snaphook-sdk"), "{errors}");
    let command = bench.write(".venv/bin/snaphook-py", "#!/bin/sh\necho \"$@\" && cp source.bin guard.wasm\n");
    std::fs::set_permissions(command, std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.write("source.bin", guest("hello"));
    let (shown, errors) = bench.runs(&["build", "--", "--quick"], 0).await;
    assert!(shown.starts_with("component  guard.wasm\n"), "{shown}");
    // What is installed is not installed again.
    assert_eq!(errors, "build --quick\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_language_that_is_carried_has_a_project() {
    let bench = Bench::new();
    for (language, name, file) in [("js", "JavaScript", "package.json"), ("python", "Python", "pyproject.toml")] {
        let carried = repository().join("guest-sdk").join(language).join("template").is_dir();
        let folder = format!("my-{language}");
        if carried {
            let (shown, _) = bench.runs(&["new", &folder, "--lang", language], 0).await;
            assert!(shown.contains("vendor/snaphook-sdk") && shown.contains("snaphook build"), "{shown}");
            assert!(bench.read(&format!("{folder}/{file}")).contains(&folder));
            assert!(bench.folder().join(&folder).join("vendor/snaphook-sdk").join(file).is_file());
        } else {
            let (_, errors) = bench.runs(&["new", &folder, "--lang", language], 1).await;
            assert_eq!(errors, format!("error: this program was built without the SDK for {name}\n"));
        }
    }
    let (_, errors) = bench.runs(&["new", "x", "--lang", "cobol"], 2).await;
    assert!(errors.contains("[possible values: rust, js, python]"), "{errors}");
}
