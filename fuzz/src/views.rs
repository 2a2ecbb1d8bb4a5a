//! Every view of a run, and what must be true of each.

use macvlab::capture::Reader;
use macvlab::explain::Journey;
use macvlab::lab::{Device, Event, LabSpec};
use macvlab::matrix::{self, Group, lab_group};
use macvlab::report::draw::{self, Scene};
use macvlab::report::html::{Recorder, page};
use macvlab::report::sequence::{self, Teller};
use macvlab::report::{
    AnnotatedCapture, CountersTable, Detail, Explanation, JsonLines, MatrixForm, MatrixReport, TextReport,
};
use std::io::Cursor;

/// Journeys that are explained: each asks for every device.
const MAX_JOURNEYS: usize = 20;
/// Devices with addresses of a lab that has a matrix: each pair is a run.
const MAX_ENDS: usize = 4;

/// The views of one run.
pub struct Views {
    json: JsonLines<Vec<u8>>,
    steps: TextReport<Vec<u8>>,
    hops: TextReport<Vec<u8>>,
    capture: AnnotatedCapture<Vec<u8>>,
    page: Option<Recorder>,
    scene: Scene,
    teller: Teller,
    counters: CountersTable,
    events: Vec<Event>,
}

impl Views {
    /// `with_page`: the page, which takes longer than all others together, is made as well.
    pub fn new(with_page: bool) -> Views {
        Views {
            json: JsonLines::new(Vec::new()),
            steps: TextReport::new(Vec::new(), Detail::Steps, false),
            hops: TextReport::new(Vec::new(), Detail::Hops, true),
            capture: AnnotatedCapture::new(Vec::new()).expect("written to memory"),
            page: with_page.then(Recorder::default),
            scene: Scene::default(),
            teller: Teller::default(),
            counters: CountersTable::new(),
            events: Vec::new(),
        }
    }

    /// Shows an event.
    pub fn event(&mut self, event: &Event) {
        if !matches!(event, Event::Decision(_) | Event::Devices { .. } | Event::Fdb(_)) {
            self.json.event(event).expect("written to memory");
            self.steps.event(event).expect("written to memory");
            self.hops.event(event).expect("written to memory");
            self.capture.event(event).expect("written to memory");
        }
        self.page.iter_mut().for_each(|page| page.event(event));
        self.scene.event(event);
        self.teller.event(event);
        self.counters.event(event);
        self.events.push(event.clone());
    }

    /// Completes them and looks at each.
    pub fn finish(self, devices: &[Device]) {
        let hops = self.events.iter().filter(|event| matches!(event, Event::Hop(_))).count();
        json_lines(&self.json.finish().expect("written to memory"));
        plain(&self.steps.finish().expect("written to memory"));
        self.hops.finish().expect("written to memory");
        assert_eq!(records(self.capture.finish().expect("written to memory")), hops);
        assert!(!self.counters.render().is_empty());
        well_formed(&draw::svg(&self.scene));
        assert!(draw::mermaid(&self.scene).starts_with("flowchart"));
        assert!(draw::dot(&self.scene).ends_with("}\n"));
        let story = self.teller.finish();
        well_formed(&sequence::svg(&story));
        assert!(sequence::mermaid(&story).contains("sequenceDiagram"));
        if let Some(recorder) = self.page {
            let page = page(&recorder.finish()).expect("JSON of strings and numbers");
            assert!(page.ends_with("</html>\n") && page.matches("<script").count() == 3);
        }
        explained(&self.events, devices);
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

/// Who reaches whom in a lab, in every form, if that are not too many.
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
            let groups = std::slice::from_ref(&group);
            let mut report = MatrixReport::new(Vec::new(), form, true).about(groups);
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
        let value: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(value.is_ok_and(|value| value.is_object()), "{line}");
    }
}

/// Text in which nothing steers a terminal.
fn plain(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("text is UTF-8");
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(steers), "{text:?}");
}

/// A drawing is XML.
fn well_formed(svg: &str) {
    if let Err(e) = roxmltree::Document::parse(svg) {
        panic!("{e}\n{svg}");
    }
}

/// The records of a capture, those included that are too short for a frame.
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
