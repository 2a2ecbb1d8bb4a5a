//! Checks the dependencies against `deny.toml`. `cargo deny check` checks more; this needs only cargo.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{needs, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use toml::de::{DeTable, DeValue};

/// Every package that is built on this machine, with all features; `None` if cargo cannot tell.
fn packages() -> Option<Vec<Value>> {
    let version = Command::new("rustc").arg("-vV").output().ok()?;
    let version = String::from_utf8(version.stdout).ok()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "))?;
    let metadata = Command::new("cargo")
        .args(["metadata", "--locked", "--all-features", "--format-version=1", "--filter-platform", host])
        .current_dir(root())
        .output()
        .ok()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout).ok()?;
    metadata["packages"].as_array().cloned()
}

fn allowed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let rules = DeTable::parse(&text).unwrap();
    let licenses = rules.get_ref().get("licenses").and_then(|value| value.get_ref().get("allow")).unwrap();
    let DeValue::Array(allowed) = licenses.get_ref() else { panic!("licenses.allow is a list") };
    allowed.iter().map(|license| license.get_ref().as_str().unwrap().to_owned()).collect()
}

/// Whether an SPDX expression is satisfied: AND binds tighter than OR, and a slash is an old OR.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    // A bracketed part first: it is replaced by a license that is allowed, or one that is not.
    if let Some((before, rest)) = expression.rsplit_once('(') {
        let (inner, after) = rest.split_once(')').unwrap();
        let inner = if is_met(inner, allowed) { "MIT" } else { "none" };
        return is_met(&format!("{before}{inner}{after}"), allowed);
    }
    expression.split(" OR ").any(|all| all.split(" AND ").all(|license| allowed.contains(license.trim())))
}

#[test]
fn every_license_and_source_is_allowed() {
    let Some(packages) = packages() else {
        needs::skip("cargo cannot tell the dependencies");
        return;
    };
    let allowed = allowed();
    assert!(packages.len() > 50, "{}", packages.len());
    let mut wrong = Vec::new();
    let mut sources = BTreeSet::new();
    for package in &packages {
        let license = package["license"].as_str().unwrap_or("none is named");
        if !is_met(license, &allowed) {
            wrong.push(format!("{}: {license}", package["name"]));
        }
        sources.extend(package["source"].as_str());
    }
    assert_eq!(wrong, [""; 0], "licenses that deny.toml does not allow");
    assert!(sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
    assert_eq!(sources.len(), 1, "one registry: {sources:?}");
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    let allowed: BTreeSet<String> = ["MIT", "ISC"].map(str::to_owned).into();
    for met in ["MIT", "GPL-3.0 OR MIT", "Apache-2.0/MIT", "(GPL-3.0 OR MIT) AND ISC", "GPL-3.0 AND X OR ISC"]
    {
        assert!(is_met(met, &allowed), "{met}");
    }
    for not in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND X", "MIT WITH exception", "none is named"] {
        assert!(!is_met(not, &allowed), "{not}");
    }
}
