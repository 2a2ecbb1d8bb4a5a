//! Words that the program can list, for completions and help.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use std::ffi::OsStr;

/// A word of a registry, with what is said about each. Any other word is taken as well: the command knows what to say of it.
#[derive(Clone)]
pub(super) struct Known(pub(super) fn() -> Vec<(&'static str, &'static str)>);

impl TypedValueParser for Known {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(|(name, about)| PossibleValue::new(name).help(about))))
    }
}
