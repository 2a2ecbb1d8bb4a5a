//! What people have in their hands: read as each format, written as a lab, diagnosed, and written in other languages.
//! The first byte is the format: 0 is the one that is recognised, n is the nth of `macvlab import --list`. The environment
//! variable `FORMAT` names one for all inputs, by this number.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use macvlab::interop::{self, FORMATS, Imported, Source, diagnose, export};
use macvlab::lab::Options;
use macvlab::labfile::{parse, write};
use macvlab_fuzz::{is_small, without_lines};
use std::sync::LazyLock;

static ONLY: LazyLock<Option<u8>> =
    LazyLock::new(|| std::env::var("FORMAT").ok().map(|number| number.parse().expect("FORMAT is a number")));

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((format, text)) = data.split_first() else { return Corpus::Reject };
    let Ok(text) = std::str::from_utf8(text) else { return Corpus::Reject };
    let named = usize::from(ONLY.unwrap_or(*format)).checked_sub(1).map(|number| FORMATS.get(number));
    let format = match named {
        None => None,
        Some(Some(format)) => Some(format.name()),
        Some(None) => return Corpus::Reject,
    };
    let sources = [Source::new("input", text)];
    let imported = match interop::import(&sources, format) {
        Ok(imported) => imported,
        Err(error) => {
            let said = error.to_string();
            assert!(
                !said.is_empty() && said.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()),
                "{said:?}"
            );
            return Corpus::Keep;
        }
    };
    let written = imported.lab_file();
    let lab = parse("lab.toml", &written).unwrap_or_else(|e| panic!("{e}\n{written}"));
    assert_eq!(write(&without_lines(lab)), write(&without_lines(imported.lab.clone())), "{written}");
    places(&imported, &sources);
    if is_small(&imported.lab) && imported.lab.devices.len() < 12 {
        for finding in diagnose::diagnose(&imported, &Options::default()) {
            assert!(!finding.told.is_empty());
        }
        for language in export::LANGUAGES {
            if let Ok(text) = export::export(language.name, &imported.lab) {
                _ = interop::import(&[Source::new("export", &text)], None);
            }
        }
    }
    Corpus::Keep
});

/// Places are in the text, and at characters of it.
fn places(imported: &Imported, sources: &[Source<'_>]) {
    let notes = imported.notes.iter().chain(imported.about.values().flatten());
    for place in notes.filter_map(|note| note.place).chain(imported.places.values().copied()) {
        let source = &sources[place.source];
        assert!(place.start <= place.end && place.end <= source.text.len(), "{place:?}");
        assert!(source.text.is_char_boundary(place.start), "{place:?}");
        assert!(source.position(place).line >= 1);
    }
}
