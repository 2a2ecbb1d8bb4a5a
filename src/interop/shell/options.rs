//! The options of one command, as `docker` reads them.

/// Options and operands.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    given: Vec<(&'a str, &'a str)>,
    /// What is no option. The first ends the options if that was asked for.
    pub(super) operands: Vec<&'a str>,
    /// Letters that stand for no option.
    pub(super) unknown: Vec<char>,
    /// Options that were glued to the value before them.
    pub(super) glued: Vec<&'a str>,
}

/// Short options and the long ones that they stand for.
type Short = (char, &'static str);

impl<'a> Options<'a> {
    /// Reads words. `flags` are the options without a value, by their long names; any other takes one. With `stops`, the
    /// second operand ends the options: what follows is another command.
    pub(super) fn read(words: &[&'a str], flags: &[&str], short: &[Short], stops: usize) -> Options<'a> {
        let mut options = Options::default();
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            if options.operands.len() >= stops {
                options.operands.push(word);
            } else if let Some(long) = word.strip_prefix("--") {
                match long.split_once('=') {
                    Some((name, value)) => options.give(name, value),
                    None if flags.contains(&long) || long.is_empty() => options.given.push((long, "")),
                    None => {
                        let value = words.next().unwrap_or_default();
                        options.give(long, value);
                    }
                }
            } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                options.short(letters, short, flags, &mut words);
            } else {
                options.operands.push(word);
            }
        }
        options
    }

    /// `-itd`, `-p 80:80`, `-p80:80`
    fn short(
        &mut self,
        letters: &'a str,
        short: &[Short],
        flags: &[&str],
        words: &mut impl Iterator<Item = &'a str>,
    ) {
        for (at, letter) in letters.char_indices() {
            let name = short.iter().find(|(known, _)| *known == letter).map(|(_, long)| *long);
            let Some(name) = name.filter(|name| !flags.contains(name)) else {
                self.unknown.extend(name.is_none().then_some(letter));
                self.given.push((name.unwrap_or_default(), ""));
                continue;
            };
            let rest = letters[at + letter.len_utf8()..].trim_start_matches('=');
            let value = if rest.is_empty() { words.next().unwrap_or_default() } else { rest };
            self.give(name, value);
            return;
        }
    }

    /// `--net=lan--ip=192.0.2.1`, where a space is missing, is two options.
    fn give(&mut self, name: &'a str, value: &'a str) {
        match value.split_once("--").filter(|(_, more)| more.contains('=')) {
            Some((value, more)) => {
                self.given.push((name, value));
                self.glued.push(more);
                if let Some((name, value)) = more.split_once('=') {
                    self.give(name, value);
                }
            }
            None => self.given.push((name, value)),
        }
    }

    /// All values of an option, which can have several names.
    pub(super) fn all(&self, names: &[&str]) -> impl Iterator<Item = &'a str> {
        self.given.iter().filter(|(name, _)| names.contains(name)).map(|(_, value)| *value)
    }

    /// The last value of an option.
    pub(super) fn last(&self, names: &[&str]) -> Option<&'a str> {
        self.all(names).last()
    }

    /// Whether an option was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(known, value)| *known == name && *value != "false")
    }
}
