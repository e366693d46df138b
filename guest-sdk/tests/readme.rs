//! What the READMEs show is what is built and tested.

#[test]
fn the_first_filter_is_the_one_in_its_readme() {
    let source = include_str!("../../examples/hello/src/lib.rs");
    let start = source.find("use snaphook_sdk").expect("begins with what it uses");
    let end = source.find("\n#[cfg(test)]").expect("ends with its tests");
    let shown = include_str!("../../examples/hello/README.md");
    assert!(shown.contains(&source[start..end]), "copy examples/hello/src/lib.rs into its README anew");
    assert!(include_str!("../README.md").contains(&source[start..end]), "copy it into the README of the SDK anew");
}
