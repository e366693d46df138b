use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::*;

fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes())).expect(text)
}

/// The text after a change; checks that the index is the one that reading the text anew gives.
#[track_caller]
fn text_of(changed: Result<Document, EditError>) -> String {
    let changed = changed.unwrap_or_else(|error| panic!("{error}"));
    let anew = Document::parse(changed.source.clone()).unwrap_or_else(|error| panic!("{error}: {:?}", changed.source));
    assert_eq!(changed.containers, anew.containers, "{:?}", changed.source);
    String::from_utf8(changed.source.to_vec()).unwrap()
}

#[track_caller]
fn set(text: &str, pointer: &str, value: &str) -> String {
    text_of(document(text).set(pointer, value))
}

#[track_caller]
fn refused(text: &str, pointer: &str, value: &str) -> String {
    document(text).set(pointer, value).unwrap_err().to_string()
}

#[track_caller]
fn removed(text: &str, pointer: &str) -> String {
    text_of(document(text).remove(pointer).transpose().expect("something is there"))
}

#[test]
fn the_examples_of_the_rfc_are_found() {
    let text = r#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}"#;
    let document = document(text);
    for (pointer, value) in [
        ("", text),
        ("/foo", r#"["bar", "baz"]"#),
        ("/foo/0", r#""bar""#),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/e^f", "3"),
        ("/g|h", "4"),
        ("/i\\j", "5"),
        ("/k\"l", "6"),
        ("/ ", "7"),
        ("/m~0n", "8"),
    ] {
        assert_eq!(document.get(pointer), Ok(Some(value)), "{pointer}");
    }
    for pointer in
        ["/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/+1", "/foo/1e0", "/foo/", "/nothing", "//0", "/foo/0/0"]
    {
        assert_eq!(document.get(pointer), Ok(None), "{pointer}");
    }
}

#[test]
fn values_keep_their_exact_text() {
    let document = document(
        " { \"n\" : 1.50e+03 , \"big\":123456789012345678901234567890,\"s\":\"\\u00e9\" , \"o\" : { \"x\" : [ ] } } \n",
    );
    assert_eq!(document.get("/n"), Ok(Some("1.50e+03")));
    assert_eq!(document.get("/big"), Ok(Some("123456789012345678901234567890")));
    assert_eq!(document.get("/s"), Ok(Some("\"\\u00e9\"")));
    assert_eq!(document.get("/o"), Ok(Some("{ \"x\" : [ ] }")));
    assert!(document.get("").unwrap().is_some_and(|whole| whole.starts_with('{') && whole.ends_with('}')));
}

#[test]
fn of_equal_keys_the_last_counts() {
    let document = document(r#"{"a":1,"\u0061":{"b":1},"b":0,"a":{"b":2,"b":3}}"#);
    assert_eq!(document.get("/a/b"), Ok(Some("3")));
    let escaped = Document::parse(Bytes::from_static(br#"{"a":1,"\u0061":2}"#)).unwrap();
    assert_eq!(escaped.get("/a"), Ok(Some("2")));
}

/// Who reads the first of equal keys must not find what an edit took away.
#[test]
fn an_edit_leaves_no_older_value() {
    let edited = |text: &str, edit: &dyn Fn(&Document) -> Document| {
        let whole = document(text);
        let once = edit(&whole);
        // Without an index of members, as after any edit.
        let bare = Document { members: None, ..whole };
        assert_eq!(edit(&bare).source(), once.source());
        String::from_utf8(once.source().to_vec()).unwrap()
    };
    let set = |pointer: &'static str| move |document: &Document| document.set(pointer, "0").unwrap();
    let remove = |pointer: &'static str| move |document: &Document| document.remove(pointer).unwrap().unwrap();
    let twice = r#"{ "e" : "x", "k":[{}], "\u0065":"y","e": "z" }"#;
    assert_eq!(edited(twice, &set("/e")), r#"{ "k":[{}], "e": 0 }"#);
    assert_eq!(edited(twice, &remove("/e")), r#"{ "k":[{}] }"#);
    let above = r#"{"p":{"e":1,"q":[]},"p":{"e":2,"e":{"e":3}},"r":[[1]]}"#;
    assert_eq!(edited(above, &set("/p/e")), r#"{"p":{"e":0},"r":[[1]]}"#);
    assert_eq!(edited(above, &remove("/p/e")), r#"{"p":{},"r":[[1]]}"#);
    assert_eq!(edited(above, &set("/p/f")), r#"{"p":{"e":2,"e":{"e":3},"f":0},"r":[[1]]}"#);
    // Something was there, in the first.
    assert_eq!(edited(above, &remove("/p/q")), r#"{"p":{"e":2,"e":{"e":3}},"r":[[1]]}"#);
    assert_eq!(document(above).set("/p/e", "0").unwrap().get("/r/0/0"), Ok(Some("1")));
}

#[test]
fn texts_come_decoded() {
    let document = document(
        r#"{"s":"a\"\\\/\b\f\n\r\tz","u":"\u00e9\ud83d\ude00€","n":-0.5,"t":true,"f":false,"z":null,"o":{},"a":[]}"#,
    );
    let text = |pointer: &str| document.text(pointer).unwrap();
    assert_eq!(text("/s").as_deref(), Some("a\"\\/\u{8}\u{c}\n\r\tz"));
    assert_eq!(text("/u").as_deref(), Some("é😀€"));
    assert_eq!(text("/n").as_deref(), Some("-0.5"));
    assert_eq!(text("/t").as_deref(), Some("true"));
    assert_eq!(text("/f").as_deref(), Some("false"));
    for nothing in ["/z", "/o", "/a", "", "/missing"] {
        assert_eq!(text(nothing), None, "{nothing}");
    }
}

#[test]
fn half_a_surrogate_pair_is_a_replacement_character() {
    for (written, text) in [
        (r#""\ud800""#, "\u{fffd}"),
        (r#""\udc00x""#, "\u{fffd}x"),
        (r#""\ud800\ud800\udc00""#, "\u{fffd}\u{10000}"),
        (r#""\ud800\u0041""#, "\u{fffd}A"),
        (r#""\ud800\n""#, "\u{fffd}\n"),
        (r#""\ud800é""#, "\u{fffd}é"),
        (r#""\u0041\u0042""#, "AB"),
    ] {
        assert_eq!(document(written).text("").unwrap().as_deref(), Some(text), "{written}");
    }
    assert_eq!(document(r#"{"\ud800":1}"#).get("/\u{fffd}"), Ok(Some("1")));
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    let wrong = |text: &[u8]| Document::parse(Bytes::copy_from_slice(text)).unwrap_err().to_string();
    assert_eq!(wrong(b""), "not JSON: a value should be at line 1 column 1");
    assert_eq!(wrong(b"{\n \"a\": }"), "not JSON: a value should be at line 2 column 7");
    assert_eq!(wrong(b"{\"a\":1,}"), "not JSON: a key in quotes should be at line 1 column 8");
    assert_eq!(wrong(b"[1 2]"), "not JSON: `,` or `]` should be at line 1 column 4");
    assert_eq!(wrong(b"{\"a\":1]"), "not JSON: `,` or `}` should be at line 1 column 7");
    assert_eq!(wrong(b"{\"a\" 1}"), "not JSON: `:` should be at line 1 column 6");
    assert_eq!(wrong(b"\"abc\n\""), "not JSON: a control character is not escaped at line 1 column 5");
    assert_eq!(wrong(b"\"abc"), "not JSON: a string does not end at line 1 column 5");
    assert_eq!(wrong(b"\"\\x\""), "not JSON: no escape of JSON is at line 1 column 2");
    assert_eq!(wrong(b"1."), "not JSON: a digit should be at line 1 column 3");
    assert_eq!(wrong(b"01"), "not JSON: nothing more should be at line 1 column 2");
    assert_eq!(wrong(b"\"a\xff\""), "not JSON: bytes that are not UTF-8 at line 1 column 3");
    assert_eq!(wrong("[".repeat(1 << 20).as_bytes()), "not JSON: it is nested too deep at line 1 column 129");
    let deepest = "[".repeat(JSON_DEPTH_MOST) + &"]".repeat(JSON_DEPTH_MOST);
    assert!(document(&deepest).get(&"/0".repeat(JSON_DEPTH_MOST - 1)).unwrap().is_some());
}

#[test]
fn what_is_no_pointer_is_refused() {
    let document = document("{}");
    assert_eq!(
        document.get("a/b").unwrap_err().to_string(),
        "`a/b` is no JSON pointer: it must be empty or begin with `/`"
    );
    for wrong in ["/a~", "/~2", "/~/0", "/a~~0"] {
        let said = document.get(wrong).unwrap_err().to_string();
        assert_eq!(
            said,
            format!("`{wrong}` is no JSON pointer: `~` must be followed by `0` (for `~`) or `1` (for `/`)")
        );
    }
    assert!(document.get(&"x".repeat(1 << 20)).unwrap_err().to_string().len() < 200);
}

#[test]
fn setting_changes_nothing_else() {
    let text = "{ \"a\" : 1.0e3 ,\r\n \"b\":[ 1 ,{ \"c\" : 12345678901234567890 } , 3 ] }\n";
    assert_eq!(set(text, "/a", " 2 "), text.replace("1.0e3", "2"));
    assert_eq!(set(text, "/b/1/c", "{\"x\":[]}"), text.replace("12345678901234567890", "{\"x\":[]}"));
    assert_eq!(set(text, "/b/1", "[[ ]]"), text.replace("{ \"c\" : 12345678901234567890 }", "[[ ]]"));
    assert_eq!(set(text, "/b/-", "{}"), text.replace("3 ]", "3,{} ]"));
    assert_eq!(set(text, "/b/3", "4"), text.replace("3 ]", "3,4 ]"));
    assert_eq!(set(text, "/b/1/d", "null"), text.replace("567890 }", "567890,\"d\":null }"));
    assert_eq!(set(text, "/z\"/y~1", "true"), text.replace("] }\n", "],\"z\\\"\":{\"y/\":true} }\n"));
    assert_eq!(set(text, "", "[ 1 ]"), "[ 1 ]\n");
    assert_eq!(set("[ ]", "/-", "1"), "[1 ]");
    assert_eq!(set("[]", "/0", "[]"), "[[]]");
    assert_eq!(set("{\n}", "/a/b/c", "[{}]"), "{\"a\":{\"b\":{\"c\":[{}]}}\n}");
    assert_eq!(set("{\"a\":1,\"b\":0,\"a\":2}", "/a", "3"), "{\"b\":0,\"a\":3}");
    assert_eq!(set("{\"-\":1}", "/-", "2"), "{\"-\":2}");
    assert_eq!(set("{}", "/-", "2"), "{\"-\":2}");
    assert_eq!(set("[{}]", "/1/a", "2"), "[{},{\"a\":2}]");
}

#[test]
fn what_cannot_be_set_is_refused() {
    let text = r#"{"a":1,"n":null,"s":"x","l":[1,2]}"#;
    for scalar in ["/a/b", "/n/b", "/s/0", "/l/0/b/c"] {
        let said = refused(text, scalar, "1");
        assert_eq!(said, format!("`{scalar}` leads into a value that is neither object nor array: set that one first"));
    }
    for index in ["/l/3", "/l/02", "/l/x", "/l/", "/l/3/a", "/l/18446744073709551616"] {
        let said = refused(text, index, "1");
        assert_eq!(said, format!("`{index}` leads into an array of 2: write an index up to 2, or `-` to append"));
    }
    assert_eq!(refused(text, "/new/-", "1"), "`/new/-` appends to an array that is not there: set the array first");
    assert_eq!(refused(text, "/a", "1,2"), "the value `1,2` is not JSON: nothing more should be at line 1 column 2");
    assert_eq!(refused(text, "/a", ""), "the value `` is not JSON: a value should be at line 1 column 1");
    assert_eq!(
        refused(text, "/a", "1}\n,{"),
        "the value `1}\\n,{` is not JSON: nothing more should be at line 1 column 2"
    );
    assert_eq!(refused(text, "a", "1"), "`a` is no JSON pointer: it must be empty or begin with `/`");
}

#[test]
fn nothing_becomes_deeper_than_the_host_reads() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(set("{}", &"/a".repeat(JSON_DEPTH_MOST), "1").matches('{').count(), JSON_DEPTH_MOST);
    assert!(refused("{}", &"/a".repeat(JSON_DEPTH_MOST + 1), "1").ends_with("…` leads deeper than 128 levels"));
    set("{}", "/a/b", &deep(JSON_DEPTH_MOST - 2));
    assert!(refused("{}", "/a/b", &deep(JSON_DEPTH_MOST - 1)).contains("it is nested too deep"));
}

#[test]
fn removing_takes_one_comma_along() {
    let text = "{ \"a\" : 1 , \"b\" : [ 1 , [2] , {} ] , \"c\" : 3 }";
    assert_eq!(removed(text, "/a"), "{ \"b\" : [ 1 , [2] , {} ] , \"c\" : 3 }");
    assert_eq!(removed(text, "/b"), "{ \"a\" : 1 , \"c\" : 3 }");
    assert_eq!(removed(text, "/c"), "{ \"a\" : 1 , \"b\" : [ 1 , [2] , {} ] }");
    assert_eq!(removed(text, "/b/0"), "{ \"a\" : 1 , \"b\" : [ [2] , {} ] , \"c\" : 3 }");
    assert_eq!(removed(text, "/b/1"), "{ \"a\" : 1 , \"b\" : [ 1 , {} ] , \"c\" : 3 }");
    assert_eq!(removed(text, "/b/2"), "{ \"a\" : 1 , \"b\" : [ 1 , [2] ] , \"c\" : 3 }");
    assert_eq!(removed("{ \"a\" : {} }", "/a"), "{  }");
    assert_eq!(removed("[[]]", "/0"), "[]");
    assert_eq!(removed(r#"{"a":1,"a":[[]],"b":{},"\u0061":3,"c":[],"a":4,"a":5}"#, "/a"), r#"{"b":{},"c":[]}"#);
    assert_eq!(removed(r#"{"a":1,"a":{}}"#, "/a"), "{}");
}

#[test]
fn removing_nothing_is_no_fault() {
    for pointer in ["/b", "/a/1", "/a/-", "/a/00", "/a/0/x", "/b/c/d", "/"] {
        assert!(matches!(document(r#"{"a":[1]}"#).remove(pointer), Ok(None)), "{pointer}");
    }
    let whole = document("{}").remove("").unwrap_err();
    assert_eq!(whole.to_string(), "the whole document cannot be removed: replace the body instead");
}

#[test]
fn many_equal_keys_go_at_once() {
    let text = format!("{{{}\"b\":[]}}", "\"a\":[],".repeat(20_000));
    assert_eq!(removed(&text, "/a"), "{\"b\":[]}");
}

// Against serde_json, which reads the same text its own way.

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("0".to_owned()),
        Just("-".to_owned()),
        Just(String::new()),
        "[a-c/~\"\\\\é😀\n]{1,4}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é😀\n\"\\\\]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((key(), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn pointer() -> impl Strategy<Value = String> {
    let token = prop_oneof![3 => key(), 2 => (0..5_usize).prop_map(|index| index.to_string())];
    vec(token, 0..4).prop_map(|tokens| {
        tokens.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect()
    })
}

/// Compact, or with spaces and with every non-ASCII character escaped.
fn written(value: &Value, spaced: bool) -> String {
    if !spaced {
        return value.to_string();
    }
    let mut text = String::new();
    for character in serde_json::to_string_pretty(value).unwrap().chars() {
        match character {
            ascii if ascii.is_ascii() => text.push(ascii),
            other => {
                other.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04X}")));
            }
        }
    }
    text
}

/// What `set` should do, on a tree. None where it should refuse.
fn set_in_tree(tree: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    let [token, below @ ..] = tokens else {
        *tree = value;
        return Some(());
    };
    match tree {
        Value::Object(members) => match members.get_mut(token) {
            Some(member) => set_in_tree(member, below, value),
            None => {
                members.insert(token.clone(), made(below, value)?);
                Some(())
            }
        },
        Value::Array(elements) => {
            let index = if token == "-" { Some(elements.len()) } else { array_index(token) };
            match index {
                Some(index) if index < elements.len() => set_in_tree(&mut elements[index], below, value),
                Some(index) if index == elements.len() => {
                    elements.push(made(below, value)?);
                    Some(())
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn made(tokens: &[String], value: Value) -> Option<Value> {
    let [token, below @ ..] = tokens else { return Some(value) };
    if token == "-" { None } else { Some(json!({ token: made(below, value)? })) }
}

fn remove_in_tree(tree: &mut Value, pointer: &str) -> bool {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let token = last.replace("~1", "/").replace("~0", "~");
    match tree.pointer_mut(parent) {
        Some(Value::Object(members)) => members.shift_remove(&token).is_some(),
        Some(Value::Array(elements)) => {
            let index = array_index(&token).filter(|index| *index < elements.len());
            index.map(|index| elements.remove(index)).is_some()
        }
        _ => false,
    }
}

fn tokens(pointer: &str) -> Vec<String> {
    Pointer::read(pointer).unwrap().tokens().map(Cow::into_owned).collect()
}

#[test]
fn members_that_are_too_many_are_found_as_well() {
    let members: Vec<String> = (0..500).map(|index| format!("\"{index:x}\":{index}")).collect();
    let text = format!("{{{},\"in\":{{{}}}}}", members.join(","), members.join(","));
    let document = document(&text);
    assert!(document.members.is_none());
    assert_eq!(document.get("/1f3").unwrap(), Some("499"));
    assert_eq!(document.get("/in/0").unwrap(), Some("0"));
    assert_eq!(document.get("/in/x").unwrap(), None);
}

proptest! {
    #[test]
    fn lookups_agree(tree in value(), pointers in vec(pointer(), 1..8), spaced: bool) {
        let document = document(&written(&tree, spaced));
        for pointer in &pointers {
            let found = document.get(pointer).unwrap().map(|text| serde_json::from_str::<Value>(text).unwrap());
            prop_assert_eq!(found.as_ref(), tree.pointer(pointer), "{}", pointer);
            let text = match tree.pointer(pointer) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(other @ (Value::Bool(_) | Value::Number(_))) => Some(other.to_string()),
                _ => None,
            };
            prop_assert_eq!(document.text(pointer).unwrap().map(Cow::into_owned), text);
        }
    }

    #[test]
    fn edits_agree(
        mut tree in value(),
        edits in vec((pointer(), proptest::option::of((value(), any::<bool>()))), 1..6),
        spaced: bool,
    ) {
        let mut document = document(&written(&tree, spaced));
        for (pointer, new) in edits {
            match new {
                Some((value, spaced)) => {
                    let mut expected = tree.clone();
                    let right = set_in_tree(&mut expected, &tokens(&pointer), value.clone());
                    match (document.set(&pointer, &written(&value, spaced)), right) {
                        (Ok(changed), Some(())) => (document, tree) = (changed, expected),
                        (Err(_), None) => {}
                        (got, _) => prop_assert!(false, "{tree} set {pointer} to {value}: {got:?}, expected {right:?}"),
                    }
                }
                None if pointer.is_empty() => prop_assert!(matches!(document.remove(""), Err(EditError::Whole))),
                None => {
                    let changed = document.remove(&pointer).unwrap();
                    prop_assert_eq!(changed.is_some(), remove_in_tree(&mut tree, &pointer));
                    document = changed.unwrap_or(document);
                }
            }
            let anew = Document::parse(document.source.clone()).unwrap();
            prop_assert_eq!(&document.containers, &anew.containers);
            prop_assert_eq!(&serde_json::from_slice::<Value>(&document.source).unwrap(), &tree);
        }
    }

    #[test]
    fn setting_splices(tree in value(), pointer in pointer(), new in value(), spaced: bool) {
        let (before, new) = (written(&tree, spaced), new.to_string());
        let document = document(&before);
        if let (Some(_), Ok(old)) = (tree.pointer(&pointer), document.get(&pointer)) {
            let old = old.unwrap();
            let start = old.as_ptr() as usize - document.source.as_ptr() as usize;
            let expected = format!("{}{new}{}", &before[..start], &before[start + old.len()..]);
            prop_assert_eq!(text_of(document.set(&pointer, &new)), expected);
        }
    }

    #[test]
    fn the_same_texts_are_json(parts in vec(prop_oneof![
        Just("{"), Just("}"), Just("["), Just("]"), Just(","), Just(":"), Just("\""), Just("\\"), Just("\\u00e"), Just("é"),
        Just("1"), Just("0"), Just("-"), Just("."), Just("e"), Just("+"), Just("true"), Just("null"), Just("fals"),
        Just("\"a\""), Just("\"a\":"), Just("\"\\n\""), Just(" "), Just("\n"), Just("\u{1}"), Just("abcdefgh"),
    ], 0..12), pointer in "(/[a0~-]{0,2}){0,3}") {
        let text = parts.concat();
        let document = Document::parse(Bytes::from(text.clone()));
        let serde = serde_json::from_str::<serde::de::IgnoredAny>(&text);
        prop_assert_eq!(document.is_ok(), serde.is_ok(), "{} {:?} {:?}", text, document, serde);
        if let Ok(document) = document {
            let _ = (document.get(&pointer), document.text(&pointer));
            let _ = (document.set(&pointer, "[{}]").map(|d| text_of(Ok(d))), document.remove(&pointer));
        }
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..64), pointer: String, value: String) {
        let document = Document::parse(bytes.into()).unwrap_or_else(|_| Document::parse("{\"a\":[]}".into()).unwrap());
        let _ = (document.get(&pointer), document.text(&pointer), document.set(&pointer, &value), document.remove(&pointer));
    }
}

#[test]
fn a_place_in_an_array_is_gone_on_from() {
    let text = r#"{"a": [ {"x": 1}, [2, 3] , "four", {"x": [5]} ], "b": [6, 7], "c": []}"#;
    let document = Document::parse(Bytes::from_static(text.as_bytes())).unwrap();
    let mut place = Place::default();
    for pointer in [
        "/a/0/x", "/a/0", "/a/1", "/a/1/1", "/a/3/x/0", "/a/2", "/a/4", "/a/3", "/b/1", "/b/0", "/a/1/0", "/c/0",
        "/a/-", "/a/0/y", "/a/9", "/a/3/x", "",
    ] {
        assert_eq!(document.get_from(&mut place, pointer), document.get(pointer), "{pointer}");
    }
}
