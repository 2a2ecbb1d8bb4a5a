//! Every view of a run, with its invariants.

use macvlab::capture::Reader;
use macvlab::explain::Journey;
use macvlab::lab::{Device, Event, LabSpec};
use macvlab::matrix::{self, Group, lab_group};
use macvlab::report::draw::{self, Scene};
use macvlab::report::html::{self, Recorder};
use macvlab::report::sequence::{self, SequenceBuilder};
use macvlab::report::{
    AnnotatedCapture, CountersTable, Detail, Explanation, JsonLines, MatrixForm, MatrixReport, TextReport,
};
use std::io::Cursor;

/// Maximum number of journeys explained: each covers every device.
const MAX_JOURNEYS: usize = 20;
/// Maximum number of devices with IP addresses in a lab with a matrix: each pair is a run.
const MAX_ENDS: usize = 4;

/// Some views of one run; all of them take several times as long as the run.
pub enum Views {
    Lines { json: JsonLines<Vec<u8>>, steps: TextReport<Vec<u8>>, hops: TextReport<Vec<u8>> },
    Files { capture: Box<AnnotatedCapture<Vec<u8>>>, hops: usize, page: Box<Recorder> },
    Drawings { scene: Scene, teller: Box<SequenceBuilder> },
    Explained { counters: CountersTable, events: Vec<Event> },
}

impl Views {
    /// The views that a number selects.
    pub fn new(choice: usize) -> Views {
        match choice % 4 {
            0 => Views::Lines {
                json: JsonLines::new(Vec::new()),
                steps: TextReport::new(Vec::new(), Detail::Steps, false),
                hops: TextReport::new(Vec::new(), Detail::Hops, false),
            },
            1 => Views::Files {
                capture: Box::new(AnnotatedCapture::new(Vec::new()).expect("written to memory")),
                hops: 0,
                page: Box::default(),
            },
            2 => Views::Drawings { scene: Scene::default(), teller: Box::default() },
            _ => Views::Explained { counters: CountersTable::new(), events: Vec::new() },
        }
    }

    /// Shows an event.
    pub fn event(&mut self, event: &Event) {
        let for_all = !matches!(event, Event::Decision(_) | Event::Devices { .. } | Event::Fdb(_));
        match self {
            Views::Lines { json, steps, hops } if for_all => {
                json.event(event).expect("written to memory");
                steps.event(event).expect("written to memory");
                hops.event(event).expect("written to memory");
            }
            Views::Lines { .. } => {}
            Views::Files { capture, hops, page } => {
                if for_all {
                    capture.event(event).expect("written to memory");
                }
                *hops += usize::from(matches!(event, Event::Hop(_)));
                page.event(event);
            }
            Views::Drawings { scene, teller } => {
                scene.event(event);
                teller.event(event);
            }
            Views::Explained { counters, events } => {
                counters.event(event);
                events.push(event.clone());
            }
        }
    }

    /// Completes the views and checks each.
    pub fn finish(self, devices: &[Device]) {
        match self {
            Views::Lines { json, steps, hops } => {
                json_lines(&json.finish().expect("written to memory"));
                plain(&steps.finish().expect("written to memory"));
                plain(&hops.finish().expect("written to memory"));
            }
            Views::Files { capture, hops, page } => {
                assert_eq!(records(capture.finish().expect("written to memory")), hops);
                let page = html::page(&page.finish()).expect("JSON of strings and numbers");
                assert!(page.ends_with("</html>\n") && page.matches("<script").count() == 4);
            }
            Views::Drawings { scene, teller } => {
                well_formed(&draw::svg(&scene));
                assert!(draw::mermaid(&scene).starts_with("flowchart"));
                assert!(draw::dot(&scene).ends_with("}\n"));
                let story = teller.finish();
                well_formed(&sequence::svg(&story));
                assert!(sequence::mermaid(&story).contains("sequenceDiagram"));
            }
            Views::Explained { counters, events } => {
                assert!(!counters.render().is_empty());
                explained(&events, devices);
            }
        }
    }
}

/// The explanations of the first journeys.
fn explained(events: &[Event], devices: &[Device]) {
    let mut lines = JsonLines::new(Vec::new());
    for journey in Journey::all(events).iter().take(MAX_JOURNEYS) {
        let mut told = Explanation::new(Vec::new(), devices, false);
        told.journey(journey).expect("written to memory");
        plain(&told.finish().expect("written to memory"));
        for (device, fate) in journey.fates(devices) {
            assert_eq!(journey.fate(&device, devices), Some(fate.clone()));
            lines.fate(journey.frame_id, &device, &fate).expect("written to memory");
        }
    }
    json_lines(&lines.finish().expect("written to memory"));
}

/// The matrix of a lab in every format, unless it is too large.
pub fn matrices(spec: &LabSpec) {
    if !(2..=MAX_ENDS).contains(&matrix::ends(spec).len()) {
        return;
    }
    for known in [false, true] {
        let group: Group = lab_group(spec, known);
        let (_, setup) = &group.columns[0];
        let cells = group.pairs().iter().map(|(from, to)| setup.explain(from, to)).collect();
        let columns = vec![cells];
        let forms =
            [MatrixForm::Text { colour: false }, MatrixForm::Markdown, MatrixForm::Json, MatrixForm::Html];
        for form in forms {
            let mut report = MatrixReport::new(Vec::new(), form, true);
            report.group(&group, &columns).expect("written to memory");
            let bytes = report.finish().expect("written to memory");
            if let MatrixForm::Json = form {
                json_lines(&bytes);
            }
        }
    }
}

/// Each line is a JSON value.
fn json_lines(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("JSON is UTF-8");
    for line in text.lines() {
        assert!(line.starts_with('{') && is_json(line.as_bytes()), "{line}");
    }
}

/// Whether this is one JSON value.
pub fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

/// Text without terminal control characters.
fn plain(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("text is UTF-8");
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(steers), "{text:?}");
}

/// A drawing is valid XML.
fn well_formed(svg: &str) {
    if let Err(e) = roxmltree::Document::parse(svg) {
        panic!("{e}\n{svg}");
    }
}

/// The records of a capture, including those that are too short for a frame.
fn records(bytes: Vec<u8>) -> usize {
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap_or_else(|e| panic!("{e}"));
    let mut records = 0;
    while let Some(record) = reader.next_record() {
        if let Err(bad) = record {
            assert!(!bad.is_fatal(), "{bad}");
        }
        records += 1;
    }
    records
}
