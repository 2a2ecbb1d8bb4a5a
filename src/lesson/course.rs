//! The first course: what macvlan does in each mode, in half an hour. Its lessons are the lab files of `fixtures/lessons`.

use super::Lesson;
use crate::labfile::{self, Diagnostics};

/// A lesson that is built in.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Its lab file.
    pub text: &'static str,
}

impl BuiltIn {
    /// Reads it.
    ///
    /// # Errors
    /// [`Diagnostics`] if the file has errors, which a test of the crate rules out.
    pub fn lesson(&self) -> Result<Lesson, Diagnostics> {
        let lab = labfile::parse(self.name, self.text)?;
        Ok(Lesson { lab })
    }
}

macro_rules! lesson {
    ($name:literal, $file:literal) => {
        BuiltIn { name: $name, text: include_str!(concat!("../../fixtures/lessons/", $file, ".toml")) }
    };
}

/// The lessons, in the order in which they are taken.
pub const ALL: &[BuiltIn] = &[
    lesson!("figure", "01-figure"),
    lesson!("vepa", "02-vepa"),
    lesson!("forged", "03-forged"),
    lesson!("private", "04-private"),
    lesson!("passthru", "05-passthru"),
    lesson!("bridge", "06-bridge"),
    lesson!("host", "07-host"),
    lesson!("subnets", "08-subnets"),
];

/// The lesson of this name.
#[must_use]
pub fn named(name: &str) -> Option<BuiltIn> {
    ALL.iter().find(|lesson| lesson.name == name).copied()
}
