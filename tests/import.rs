//! Networks as people have them become labs that are valid and behave as their input says. To renew the expected labs:
//! `TRYCMD=overwrite cargo test --test import`.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{macvlab, root, stderr, stdout};
use macvlab::interop::{self, ImportError, Imported, Source, export};
use macvlab::lab::{Lab, LabSpec, Options};
use macvlab::labfile;
use proptest::prelude::*;
use std::path::PathBuf;

fn import(text: &str) -> Imported {
    interop::import(&[Source::new("input", text)], None).unwrap()
}

/// The inputs of the fixtures, with the labs that they become.
fn fixtures() -> Vec<(PathBuf, PathBuf)> {
    let files = std::fs::read_dir(root().join("fixtures/import")).unwrap().map(|entry| entry.unwrap().path());
    let mut inputs: Vec<PathBuf> =
        files.filter(|path| path.extension().is_none_or(|e| e != "toml")).collect();
    inputs.sort();
    inputs.into_iter().map(|input| (input.clone(), input.with_extension("toml"))).collect()
}

/// The lab in the file, which has no errors.
fn parsed(imported: &Imported) -> LabSpec {
    let text = imported.lab_file();
    labfile::parse("imported", &text).unwrap_or_else(|errors| panic!("{text}\n{}", errors.render(false)))
}

#[test]
fn the_fixtures_become_the_labs_beside_them() {
    let overwrite = std::env::var_os("TRYCMD").is_some_and(|v| v == "overwrite");
    for (input, expected) in fixtures() {
        let imported = import(&std::fs::read_to_string(&input).unwrap());
        if overwrite {
            std::fs::write(&expected, imported.lab_file()).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap();
        assert_eq!(imported.lab_file(), expected, "{}", input.display());
    }
}

#[test]
fn no_two_formats_take_the_same_input() {
    for (input, _) in fixtures() {
        let text = std::fs::read_to_string(&input).unwrap();
        let source = Source::new(input.to_string_lossy(), &text);
        let structured = interop::FORMATS.iter().filter(|format| format.name() != "shell");
        let takers: Vec<&str> =
            structured.filter(|format| format.recognises(&source)).map(|format| format.name()).collect();
        let is_text = input.extension().is_some_and(|extension| extension == "txt" || extension == "sh");
        assert!(takers.len() == 1 || is_text && takers.is_empty(), "{}: {takers:?}", input.display());
    }
}

#[test]
fn imported_labs_are_valid_and_behave_as_their_input_says() {
    for (input, _) in fixtures() {
        let imported = import(&std::fs::read_to_string(&input).unwrap());
        let lab = parsed(&imported);
        assert_eq!(labfile::write(&lab), labfile::write(&imported.lab), "{}", input.display());
        assert!(!lab.steps.is_empty(), "{}", input.display());
        let summary = Lab::new(&lab, Options::default()).run(&mut |_| ());
        assert!(summary.ok(), "{}", input.display());
    }
}

#[test]
fn everything_that_takes_a_lab_takes_what_can_be_imported() {
    let article = "fixtures/import/transcript.txt";
    let why = macvlab(root(), &["why", article, "centos1-3", "centos1-2"], b"");
    assert!(stdout(&why).contains("Turn hairpin on at the switch port lan.eth0."), "{}", stdout(&why));
    assert!(stderr(&why).contains("transcript.txt: read as shell"), "{}", stderr(&why));
    let text = std::fs::read(root().join(article)).unwrap();
    let run = macvlab(root(), &["run", "-"], &text);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert!(stdout(&run).contains("EINVAL (Invalid argument): R50 Passthru takes the parent alone"));
}

#[test]
fn a_lab_with_commands_in_its_comments_is_a_lab() {
    let lab = "# ip link add link eth0 name c1 type macvlan\n[nic.eth0]\nmtuu = 1\n";
    let run = macvlab(root(), &["check", "-"], lab.as_bytes());
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("unknown key `mtuu`"), "{}", stderr(&run));
}

#[test]
fn what_is_no_network_is_refused_by_name() {
    for text in ["", "hello\n", "{}", "[nic.eth0]\n"] {
        let refused = interop::import(&[Source::new("input", text)], None).unwrap_err();
        assert_eq!(refused, ImportError::Unknown("input".into()), "{text}");
    }
    let nothing = interop::import(&[Source::new("input", "ip netns add a")], None).unwrap_err();
    assert_eq!(nothing, ImportError::Nothing);
    let run = macvlab(root(), &["import", "--format", "cobol", "fixtures/import/vlans.txt"], b"");
    assert_eq!(run.status.code(), Some(2));
    assert!(stderr(&run).contains("no format is called `cobol`; there are env, "), "{}", stderr(&run));
    let run = macvlab(root(), &["import", "README.md.gone"], b"");
    assert!(stderr(&run).contains("README.md.gone"), "{}", stderr(&run));
}

/// A namespace's devices, pasted a second time as those of the host: its NIC is the namespace's port then, and what was on
/// the NIC has nothing below it.
#[test]
fn what_is_on_a_device_that_has_gone_goes_too() {
    let text = std::fs::read_to_string(root().join("fixtures/import/host.txt")).unwrap();
    let web = text.split("$ ip -n web -d -j addr\n").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    let text = format!("{text}$ ip -d -j addr\n{web}\n");
    let imported = interop::import(&[Source::new("input", &text)], None).unwrap();
    parsed(&imported);
    assert!(imported.lab_file().contains("# left out: `shim`: what it is on is not there"));
}

/// The devices of one namespace, pasted as another's: what a cable's end calls its peer is a bridge there, which is none.
#[test]
fn a_bridge_is_no_end_of_a_cable() {
    let text = std::fs::read_to_string(root().join("fixtures/import/host.txt")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(3, 24);
    lines.swap(2, 17);
    parsed(&interop::import(&[Source::new("input", &lines.join("\n"))], None).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines that are lost, repeated, cut, or in another order: a valid lab, or an error.
    #[test]
    fn damaged_input_is_refused_or_becomes_a_valid_lab(
        which in 0..64_usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0..5_u8, 0..80_usize), 1..20),
    ) {
        let fixtures = fixtures();
        let (input, _) = &fixtures[which % fixtures.len()];
        let text = std::fs::read_to_string(input).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (index, change, at) in changes {
            let index = index.index(lines.len());
            match change {
                0 => { lines.remove(index); }
                1 => { let line = lines[index].clone(); lines.push(line); }
                2 => { lines[index] = lines[index].chars().take(at).collect(); }
                3 => { lines[index] = lines[index].chars().skip(at).collect(); }
                _ => { let other = at % lines.len(); lines.swap(index, other); }
            }
            if lines.is_empty() { break; }
        }
        if let Ok(imported) = interop::import(&[Source::new("input", &lines.join("\n"))], None) {
            parsed(&imported);
            // What is exported in any language can be imported.
            for language in export::LANGUAGES {
                let Ok(text) = export::export(language.name, &imported.lab) else { continue };
                let again = interop::import(&[Source::new("export", &text)], None);
                prop_assert!(again.is_ok(), "{}: {:?}\n{}", language.name, again.err(), text);
            }
        }
    }
}

#[test]
fn the_first_word_can_be_a_format() {
    let dir = tempfile::tempdir().unwrap();
    let text = b"ip link add mv0 link eth9 type macvlan mode vepa\n";
    let read = |words: &[&str]| macvlab(dir.path(), words, text);
    assert!(stdout(&read(&["import", "shell", "-"])).contains("[nic.eth9]"));
    let refused = read(&["import", "compose", "-"]);
    assert_eq!(refused.status.code(), Some(2));
    // A file of this name is the file.
    std::fs::write(dir.path().join("compose"), "ip link add mv1 link eth8 type macvlan mode vepa\n").unwrap();
    assert!(stdout(&read(&["import", "compose", "-"])).contains("[nic.eth8]"));
    let unknown = read(&["import", "--format", "telepathy", "-"]);
    assert!(
        stderr(&unknown).contains("no format is called `telepathy`; there are env,"),
        "{}",
        stderr(&unknown)
    );
    for words in [&["import"][..], &["import", "shell"], &["diagnose"]] {
        let none = read(words);
        assert_eq!(none.status.code(), Some(2));
        assert!(stderr(&none).contains("`host` for the running machine"), "{}", stderr(&none));
    }
    let other = read(&["import", "shell", "host"]);
    assert!(stderr(&other).contains("`host` is in no other format"), "{}", stderr(&other));
}

#[test]
fn completions_know_formats_and_languages() {
    let formats: Vec<&str> = interop::FORMATS.iter().map(|format| format.name()).collect();
    let bash = stdout(&macvlab(root(), &["completions", "bash"], b""));
    assert!(bash.contains(&formats.join(" ")), "{formats:?}");
    let zsh = stdout(&macvlab(root(), &["completions", "zsh"], b""));
    for language in interop::export::LANGUAGES {
        assert!(zsh.contains(&format!("{}\\:", language.name)), "{}", language.name);
    }
}
