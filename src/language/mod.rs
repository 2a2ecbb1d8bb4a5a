//! The languages in which reports are read: English, in which every sentence is written where it is made, and Chinese.
//!
//! The English text is the key of the catalogue, `zh.json`. A key with placeholders, `{} pings {}`, is a pattern of finished
//! sentences; what its placeholders matched is translated in turn. A single word there is a name, an address or a
//! keyword, and stays. `docs/language.md` says how to correct the catalogue.

mod columns;
mod pattern;

pub use columns::{columns, padded, spaced, wrapped};

use pattern::Pattern;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// How deep sentences are nested at most; deeper parts, such as the end of a long list, stay as they are.
const DEPTH: usize = 16;

/// A language of reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// The language of a tag or locale: `zh`, `zh-CN`, `zh_CN.UTF-8`. Anything that is not Chinese is English.
    #[must_use]
    pub fn of_tag(tag: &str) -> Language {
        let language = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Language::Chinese } else { Language::English }
    }

    /// The language's tag in HTML: `en`, `zh-CN`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    /// An English text in this language; a text that the catalogue does not have stays as it is.
    #[must_use]
    pub fn say(self, english: &str) -> Cow<'_, str> {
        match self {
            Language::English => Cow::Borrowed(english),
            Language::Chinese => {
                let said = CHINESE.say(english, DEPTH);
                said.map_or(Cow::Borrowed(english), Cow::Owned)
            }
        }
    }

    /// An English text that is owned, in this language.
    pub(crate) fn put_in(self, mut english: String) -> String {
        self.put(&mut english);
        english
    }

    /// Replaces an English text by the same in this language.
    pub(crate) fn put(self, text: &mut String) {
        if let Cow::Owned(said) = self.say(text) {
            *text = said;
        }
    }

    /// A text of a built-in lesson in this language; `None`: it has no such text, or there it is the same.
    #[cfg(feature = "labfile")]
    pub(crate) fn of_lesson(self, english: &str) -> Option<&'static str> {
        match self {
            Language::English => None,
            Language::Chinese => CHINESE.lessons.get(english).map(String::as_str),
        }
    }

    /// Replaces a title, which may be a user's: it is not taken for a sentence with placeholders.
    #[cfg(feature = "play")]
    pub(crate) fn put_title(self, title: &mut String) {
        if self == Language::Chinese
            && let Some(said) = CHINESE.lessons.get(title).or_else(|| CHINESE.whole.get(title))
        {
            title.clone_from(said);
        }
    }

    /// The words of a page's script: a JSON object of English texts and what they are in this language. It contains no `<`.
    #[must_use]
    pub(crate) fn page_words(self) -> String {
        let words = match self {
            Language::English => None,
            Language::Chinese => serde_json::to_string(&CHINESE.page).ok(),
        };
        words.map_or_else(|| "{}".to_owned(), |json| json.replace('<', "\\u003c"))
    }
}

static CHINESE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::of(include_str!("zh.json")));

/// The texts of one language.
struct Catalogue {
    /// Words of pages' scripts, which are no sentences of a run.
    page: BTreeMap<String, String>,
    /// Texts of lessons. They are no patterns: `{}` in them is `{}`.
    #[cfg_attr(not(feature = "labfile"), expect(dead_code, reason = "only the lessons read it"))]
    lessons: BTreeMap<String, String>,
    whole: HashMap<String, String>,
    /// The most specific first.
    patterns: Vec<Pattern>,
}

impl Catalogue {
    /// A catalogue that cannot be read is empty; a test reads it.
    fn of(json: &str) -> Catalogue {
        let mut sections: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(json).unwrap_or_default();
        let page = sections.remove("page").unwrap_or_default();
        let lessons = sections.remove("lessons").unwrap_or_default();
        let entries = sections.into_values().flatten();
        let (patterns, whole): (Vec<_>, Vec<_>) = entries.partition(|(key, _)| key.contains("{}"));
        let mut patterns: Vec<Pattern> =
            patterns.iter().map(|(key, translation)| Pattern::of(key, translation)).collect();
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.literal()));
        Catalogue { page, lessons, whole: whole.into_iter().collect(), patterns }
    }

    fn say(&self, english: &str, depth: usize) -> Option<String> {
        if let Some(said) = self.whole.get(english) {
            return Some(said.clone());
        }
        let deeper = depth.checked_sub(1)?;
        self.patterns.iter().find_map(|pattern| {
            let parts = pattern.parts(english)?;
            Some(pattern.put(&parts, |part| self.part(part, deeper)))
        })
    }

    fn part<'a>(&self, english: &'a str, depth: usize) -> Cow<'a, str> {
        let said = if english.contains(' ') { self.say(english, depth) } else { None };
        said.map_or(Cow::Borrowed(english), Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_locale_has_its_language() {
        for tag in ["zh", "zh-CN", "zh_CN.UTF-8", "ZH_TW", "zh.UTF-8"] {
            assert_eq!(Language::of_tag(tag), Language::Chinese, "{tag}");
        }
        for tag in ["", "C", "en_US.UTF-8", "zhx", "de"] {
            assert_eq!(Language::of_tag(tag), Language::English, "{tag}");
        }
    }

    #[test]
    fn sentences_are_said_with_their_parts() {
        let say = |text| Language::Chinese.say(text).into_owned();
        assert_eq!(say("c1 pings c2"), "c1 ping c2");
        assert_eq!(say("an ARP request arrives at eth0 from the wire"), "ARP 请求 从线缆到达 eth0");
        assert_eq!(say("delivered to a, b and c; seen by win"), "送达 a、b 和 c；win 看到");
        assert_eq!(say("Take the flag nodst off c1."), "去掉 c1 的 nodst 标志。");
        assert_eq!(say("delivered to done"), "送达 done", "the name of a device stays");
        assert_eq!(say("nobody says this"), "nobody says this");
        assert_eq!(Language::English.say("c1 pings c2"), "c1 pings c2");
    }
}
