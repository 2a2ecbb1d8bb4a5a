//! A lab file: read, written, read again, run under a budget, shown in every view.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use macvlab::labfile::{Diagnostics, check, parse, write};
use macvlab_fuzz::{Views, is_small, matrices, run, told_in_full, with_captures, without_lines};

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    let spec = match parse("lab.toml", text) {
        Ok(spec) => without_lines(spec),
        Err(mistakes) => {
            said(&mistakes, text);
            return Corpus::Keep;
        }
    };
    let written = write(&spec);
    let again = parse("written.toml", &written).unwrap_or_else(|e| panic!("{e}\n{written}"));
    assert_eq!(without_lines(again), spec, "{written}");
    if is_small(&spec) {
        let checked = check("lab.toml", text).unwrap_or_else(|e| panic!("{e}"));
        checked.warnings.iter().for_each(|warnings| said(warnings, text));
        let mut views = Views::new(text.len());
        let mut devices = Vec::new();
        run(&spec, with_captures(&spec, told_in_full()), &mut |event| {
            macvlab::lab::Device::follow(&mut devices, event);
            views.event(event);
        });
        views.finish(&devices);
        if text.len().is_multiple_of(4) {
            matrices(&spec);
        }
    }
    Corpus::Keep
});

/// Errors have a position in the text, and can be displayed.
fn said(mistakes: &Diagnostics, text: &str) {
    assert!(!mistakes.list().is_empty());
    let lines = text.lines().count().max(1) + 1;
    for mistake in mistakes.list() {
        assert!((1..=lines).contains(&mistake.line) && mistake.column >= 1, "{mistake:?}");
    }
    let shown = mistakes.render(false);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    assert!(mistakes.render(true).len() >= shown.len());
}
