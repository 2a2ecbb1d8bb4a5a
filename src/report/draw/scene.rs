//! The devices that a diagram shows, collected from the hop log.

use crate::lab::spec::Name;
use crate::lab::{Device, Event, SetupStage};
use crate::report::words::{not_enslaved, printable};
use crate::verdict::Refusal;

/// A lab's devices at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The lab's title.
    pub title: String,
    /// The existing devices.
    pub devices: Vec<Device>,
    /// Declared devices that were refused.
    pub refused: Vec<Refused>,
}

/// A declared device that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub name: Name,
    /// The device it was to be created on.
    pub parent: Option<Name>,
    /// It was not created; otherwise it stayed down.
    pub stage: SetupStage,
    /// Why.
    pub refusal: Refusal,
}

impl Refused {
    /// What was refused, and why, in one sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        let what = match self.stage {
            SetupStage::Create => "is not created",
            SetupStage::Enslave => not_enslaved(self.refusal),
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

    /// Records what the event says about the devices; returns whether anything changed.
    pub fn event(&mut self, event: &Event) -> bool {
        match event {
            Event::Lab { title, .. } => self.title.clone_from(title),
            Event::Setup { device, parent, stage, refusal, .. } => {
                let (name, parent) = (device.clone(), parent.clone());
                self.refused.push(Refused { name, parent, stage: *stage, refusal: *refusal });
                return true;
            }
            _ => {}
        }
        Device::follow(&mut self.devices, event)
    }

    /// Why the device with this name is missing or down, if it was refused.
    pub(super) fn refusal(&self, name: &str) -> Option<&Refused> {
        self.refused.iter().find(|refused| refused.name == name)
    }
}
