//! NodeKind a diagram shows, collected from the hop log.

use crate::lab::spec::Name;
use crate::lab::{Device, Event, SetupStage};
use crate::report::words::printable;
use crate::verdict::Refusal;

/// The devices of a lab at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The lab's title.
    pub title: String,
    /// The devices that are there.
    pub devices: Vec<Device>,
    /// Declared devices that were refused.
    pub refused: Vec<Refused>,
}

/// A declared device that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub name: Name,
    /// NodeKind it was to sit on.
    pub parent: Option<Name>,
    /// It was not made; else it stayed down.
    pub stage: SetupStage,
    /// Why.
    pub refusal: Refusal,
}

impl Refused {
    /// NodeKind was refused, and why, in one sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        let what = match self.stage {
            SetupStage::Create => "is not made",
            SetupStage::Up => "stays down",
        };
        let Refused { name, refusal, .. } = self;
        format!("{} {what}: {refusal}. {}", printable(name), refusal.rule.why())
    }
}

impl Scene {
    /// The scene at the end of these events.
    #[must_use]
    pub fn of(events: &[Event]) -> Scene {
        let mut scene = Scene::default();
        for event in events {
            scene.event(event);
        }
        scene
    }

    /// Keeps what the event says about the devices; answers whether it said something.
    pub fn event(&mut self, event: &Event) -> bool {
        match event {
            Event::Lab { title, devices } => {
                (self.title, self.devices) = (title.clone(), devices.clone());
                true
            }
            Event::Devices { devices } => {
                self.devices.clone_from(devices);
                true
            }
            Event::Setup { device, parent, stage, refusal, .. } => {
                let (name, parent) = (device.clone(), parent.clone());
                self.refused.push(Refused { name, parent, stage: *stage, refusal: *refusal });
                true
            }
            _ => false,
        }
    }

    /// Why the device of this name is not there, or is down, if it was refused.
    pub(super) fn refusal(&self, name: &str) -> Option<&Refused> {
        self.refused.iter().find(|refused| refused.name == name)
    }
}
