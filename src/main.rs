//! The command line of macvlab.

fn main() {}
