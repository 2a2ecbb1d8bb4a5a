//! The included labs have no errors and have a title and expectations.

use crate::lab::spec::{Action, LabSpec};
use crate::labfile::{check, load, parse, write};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn labs() -> Vec<(String, LabSpec)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), load(path).unwrap_or_else(|e| panic!("{e}")))).collect()
}

#[test]
fn every_lab_is_read_and_every_step_says_what_must_come_of_it() {
    let labs = labs();
    assert!(labs.len() >= 80, "{}", labs.len());
    for (name, lab) in &labs {
        assert!(!lab.title.is_empty(), "{name} has no title");
        for (i, step) in lab.steps.iter().enumerate() {
            let waits = matches!(step.action, Action::Wait(_));
            assert!(waits || step.expect.is_some(), "{name}: step {} expects nothing", i + 1);
        }
    }
    let titles: BTreeSet<&str> = labs.iter().map(|(_, lab)| lab.title.as_str()).collect();
    assert_eq!(titles.len(), labs.len(), "every title is different");
}

/// Labs that show an error expect it, and the others mean what they say.
#[test]
fn no_lab_has_warnings() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let checked = check("lab.toml", &std::fs::read_to_string(&path).unwrap()).unwrap();
        assert!(checked.warnings.is_none(), "{}:\n{}", path.display(), checked.warnings.unwrap());
    }
}

#[test]
fn every_lab_can_be_written() {
    for (name, lab) in labs() {
        let again = parse(&name, &write(&lab)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(write(&again), write(&lab), "{name}");
        assert_eq!(again.steps.len(), lab.steps.len());
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let error = load("/nowhere/lab.toml".as_ref()).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/lab.toml: "), "{error}");
}
