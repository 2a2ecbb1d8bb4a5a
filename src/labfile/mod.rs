//! The lab file: TOML that reads like `ip link`, checked before anything runs, with diagnostics that point at the
//! line that is wrong.
