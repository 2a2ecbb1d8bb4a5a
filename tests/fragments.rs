//! What a user sees of IPv4 fragments: the labs named frag-*, each of which says what must come of every step.

use macvlab::lab::{Event, Lab, Options};
use std::path::Path;

#[test]
fn every_fragment_lab_holds() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs");
    let mut labs = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("frag-") {
            continue;
        }
        labs += 1;
        let spec = macvlab::labfile::load(&path).unwrap();
        let mut lab = Lab::new(&spec, Options::default());
        let mut wrong = Vec::new();
        let summary = lab.run(&mut |event| {
            if let Event::Result { step, outcome, delivered, held: Some(false) | None, .. } = event {
                wrong.push(format!("step {step}: {outcome:?} {delivered:?}"));
            }
        });
        assert!(summary.ok() && wrong.is_empty(), "{name}: {wrong:#?}");
        assert_eq!(summary.held, summary.steps, "{name}");
    }
    assert_eq!(labs, 16);
}
