//! Reads a single step for an existing lab: the cost does not depend on the lab's size.

use super::declared::{Declared, families};
use super::names::{Kind, check};
use super::read::{Node, Path, Reader};
use super::{Diagnostics, device, step, toml, within_limits};
use crate::lab::LabSpec;
use crate::lab::spec::{Action, Name, StepSpec};
use ::toml::de::DeValue;

/// The names that a step may use: those of a lab, and those that its steps add.
///
/// ```
/// use macvlab::labfile::{Index, parse};
///
/// let lab = parse("lab.toml", "[nic.eth0]\n").unwrap();
/// let mut names = Index::of(&lab);
/// let added = names.parse_step(r#"add = { macvlan = "c1", parent = "eth0" }"#).unwrap();
/// names.did(&added, |_| true);
/// assert!(names.parse_step(r#"set = { device = "c1", up = false }"#).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Index(Declared);

impl Index {
    /// The index of a lab and its steps.
    #[must_use]
    pub fn of(lab: &LabSpec) -> Index {
        let mut index = Index(Declared::of(lab));
        lab.steps.iter().for_each(|step| index.may_add(step));
        index
    }

    /// Reads one more step: the content of another `[[step]]` in the lab's file.
    ///
    /// # Errors
    /// [`Diagnostics`], as for [`parse`](super::parse), about the step's text.
    pub fn parse_step(&self, text: &str) -> Result<StepSpec, Diagnostics> {
        let mut cx = Reader::beside(&self.0, text);
        let step = if within_limits(&mut cx, text) { document(&mut cx, text) } else { None };
        cx.finish("step", text, step)
    }

    /// Records that a step was executed, or refused, in a running lab: later steps may name what it added, and no
    /// longer what was added and is gone. `is_there` returns whether a device of this name exists now.
    pub fn did(&mut self, step: &StepSpec, is_there: impl Fn(&Name) -> bool) {
        match &step.action {
            Action::Add { name, .. } if is_there(name) => self.may_add(step),
            Action::Set { .. } => self.may_add(step),
            // Declared names remain valid when the device is gone, as in a file; their number is bounded.
            Action::Remove(name) if !is_there(name) => match self.0.declared_as(name) {
                None | Some(Kind::Port) => self.0.forget_added(name),
                // The devices on it were removed with it.
                Some(_) => self.0.retain_added(|name| is_there(&name.into())),
            },
            _ => {}
        }
    }

    fn may_add(&mut self, step: &StepSpec) {
        match &step.action {
            Action::Add { name, spec } => {
                self.0.add(name, 0..0, families(&spec.ip));
                if let Some(host) = &spec.host {
                    self.0.join(name, host, &spec.ip);
                }
            }
            Action::Set { device, change } => self.0.change(device, change),
            _ => {}
        }
    }
}

/// Reads one more step for a lab: the content of another `[[step]]` in its file. It may use the lab's names, and those
/// that its steps add. For many steps, create an [`Index`] once.
///
/// # Errors
/// [`Diagnostics`], as for [`Index::parse_step`].
pub fn parse_step(lab: &LabSpec, step: &str) -> Result<StepSpec, Diagnostics> {
    Index::of(lab).parse_step(step)
}

/// Parses the text as a single step.
fn document(cx: &mut Reader<'_>, text: &str) -> Option<StepSpec> {
    let root = toml(cx, text)?;
    let span = 0..text.len();
    let tables = ["title", "step", "lesson", "switch"].iter().chain(&device::TABLES);
    if let Some((key, _)) = tables.filter_map(|table| root.get_ref().get_key_value(*table)).next() {
        let help = "a step is one line, such as `ping = { from = \"c1\", to = \"c2\" }`".to_owned();
        cx.problem(String::new(), key.span(), "this is more than a step", help);
        return None;
    }
    let value = DeValue::Table(root.into_inner());
    let step = step::step(cx, &Node { path: Path::Root, span, value: &value });
    check(cx);
    step.map(|step| StepSpec { line: 0, ..step })
}
