//! Where the file says something about a device.

use crate::labfile::device::TABLES;
use crate::labfile::read::Path;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in the file, with the path of the key there.
pub(super) struct Mark {
    pub(super) key: String,
    pub(super) span: Range<usize>,
}

/// Where a device, a switch or a switch port is declared.
pub(super) struct Place<'p, 't> {
    path: String,
    span: Range<usize>,
    table: &'p DeTable<'t>,
}

impl<'p, 't> Place<'p, 't> {
    /// The declaration itself.
    pub(super) fn whole(&self) -> Mark {
        Mark { key: self.path.clone(), span: self.span.clone() }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of a key; if the file leaves it out, the declaration.
    pub(super) fn value(&self, key: &str) -> Mark {
        self.get(key).map_or_else(|| self.whole(), |value| self.mark(key, value.span()))
    }

    /// An element of the list that a key has as its value. A single value is its own element.
    pub(super) fn element(&self, key: &str, index: usize) -> Mark {
        match self.get(key).map(|value| value.get_ref()) {
            Some(DeValue::Array(array)) => match array.get(index) {
                Some(element) => self.mark(&format!("{key}[{}]", index + 1), element.span()),
                None => self.value(key),
            },
            _ => self.value(key),
        }
    }

    /// The entry of a table whose own key is as wanted.
    pub(super) fn entry(&self, key: &str, wanted: impl Fn(&str) -> bool) -> Mark {
        let Some(DeValue::Table(table)) = self.get(key).map(|value| value.get_ref()) else {
            return self.value(key);
        };
        match table.iter().find(|(word, _)| wanted(word.get_ref())) {
            Some((word, value)) => self.mark(&format!("{key}.{}", word.get_ref()), value.span()),
            None => self.value(key),
        }
    }

    fn get(&self, key: &str) -> Option<&'p Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    fn mark(&self, key: &str, span: Range<usize>) -> Mark {
        Mark { key: format!("{}.{key}", self.path), span }
    }
}

/// Every declaration of a file without errors, by the name that events use.
pub(super) struct Places<'p, 't>(BTreeMap<String, Place<'p, 't>>);

impl<'p, 't> Places<'p, 't> {
    pub(super) fn of(root: &'p DeTable<'t>) -> Places<'p, 't> {
        let mut places = Places(BTreeMap::new());
        for kind in TABLES.into_iter().chain(["switch", "host"]) {
            let Some(DeValue::Table(devices)) = root.get(kind).map(|value| value.get_ref()) else { continue };
            let parent = Path::Key(&Path::Root, kind);
            for (name, value) in devices {
                let DeValue::Table(table) = value.get_ref() else { continue };
                let path = parent.key(name.get_ref());
                match kind {
                    "router" => places.interfaces(name.get_ref(), &path, table),
                    "switch" => places.ports(name.get_ref(), &path, table),
                    _ => {}
                }
                places.add(name.get_ref(), &path, name.span(), table);
            }
        }
        places
    }

    pub(super) fn get(&self, device: &str) -> Option<&Place<'p, 't>> {
        self.0.get(device)
    }

    fn interfaces(&mut self, router: &str, path: &Path<'_>, table: &'p DeTable<'t>) {
        let Some(DeValue::Array(list)) = table.get("interfaces").map(|value| value.get_ref()) else { return };
        let path = path.key("interfaces");
        for (index, element) in list.iter().enumerate() {
            let DeValue::Table(table) = element.get_ref() else { continue };
            let given = table.get("name").map(|value| value.get_ref()).and_then(DeValue::as_str);
            let name = given.map_or_else(|| format!("{router}.{index}"), str::to_owned);
            self.add(&name, &Path::Index(&path, index + 1), element.span(), table);
        }
    }

    fn ports(&mut self, switch: &str, path: &Path<'_>, table: &'p DeTable<'t>) {
        let Some(DeValue::Table(ports)) = table.get("port").map(|value| value.get_ref()) else { return };
        let path = path.key("port");
        for (device, value) in ports {
            let DeValue::Table(table) = value.get_ref() else { continue };
            let name = format!("{switch}.{}", device.get_ref());
            self.add(&name, &path.key(device.get_ref()), device.span(), table);
        }
    }

    fn add(&mut self, name: &str, path: &Path<'_>, span: Range<usize>, table: &'p DeTable<'t>) {
        self.0.insert(name.to_owned(), Place { path: path.to_string(), span, table });
    }
}
