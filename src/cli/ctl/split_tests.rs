use super::*;

fn split(line: &str) -> Vec<String> {
    words(line).unwrap_or_else(|e| panic!("{line}: {e:?}"))
}

fn refused(line: &str) -> String {
    match words(line) {
        Err(Failure::Because(why)) => why,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn blanks_separate_words_and_comments_are_none() {
    assert_eq!(split("set c1 \t mode=bridge  \r"), ["set", "c1", "mode=bridge"]);
    for nothing in ["", "  \t\r", "# set c1 mode=bridge", "   # \"never closed"] {
        assert_eq!(split(nothing), [""; 0], "{nothing:?}");
    }
    assert_eq!(split("show # what there is"), ["show"]);
    assert_eq!(split("remove c#1"), ["remove", "c#1"]);
}

#[test]
fn quotes_and_backslashes_are_those_of_a_shell() {
    assert_eq!(split(r#"dump -o "last hops.pcapng""#), ["dump", "-o", "last hops.pcapng"]);
    assert_eq!(split(r#"'a "b" \' c"'d\"\e"f"#), [r#"a "b" \"#, r#"c'd"ef"#]);
    assert_eq!(split(r"a\ b \#c \\"), ["a b", "#c", r"\"]);
    assert_eq!(split(r#"remove "" ''"#), ["remove", "", ""]);
    // Shell quoting means the same here.
    let value = r#"sources={ add = ["02:00:00:00:00:01"] }"#;
    assert_eq!(split(&format!("set c1 '{value}'")), ["set", "c1", value]);
}

#[test]
fn brackets_keep_a_value_together_as_it_is() {
    let value = r#"sources={ add = ["02:00:00:00:00:01", '02:00:00:00:00:02'] }"#;
    assert_eq!(split(&format!("set c1 {value} up=on")), ["set", "c1", value, "up=on"]);
    // Brackets and blanks in strings are text; in basic strings a backslash keeps a quote from closing them.
    for value in [r##"x=["}", ']', "# \" ]"]"##, r#"x={ a = [ { b = "c\\" } ] }"#, r"x=['\' ]"] {
        assert_eq!(split(&format!("{value} y")), [value, "y"]);
    }
    assert_eq!(split("x]} y"), ["x]}", "y"]);
}

#[test]
fn what_is_never_closed_is_named() {
    for (line, what) in [
        ("set c1 \"x", "\""),
        ("it's", "'"),
        ("x={ a = [1] ", "{"),
        ("x=[", "["),
        ("x=[ \"]", "\""),
        (r#"x="a\"#, "\""),
        (r#"x=["a\"]"#, "\""),
    ] {
        assert_eq!(refused(line), format!("`{what}` is never closed"), "{line}");
    }
    assert_eq!(refused("set c1 \\"), "`\\` at the end of the line: a request is a single line");
}

#[test]
fn hostile_lines_are_split_or_refused() {
    assert_eq!(split("a\0b \u{7f}\u{202e}c"), ["a\0b", "\u{7f}\u{202e}c"]);
    let deep = 1_000_000;
    assert_eq!(refused(&"[".repeat(deep)), "`[` is never closed");
    assert_eq!(split(&["[".repeat(deep), "]".repeat(deep)].concat())[0].len(), 2 * deep);
    assert_eq!(split(&"x ".repeat(deep)).len(), deep);
}
