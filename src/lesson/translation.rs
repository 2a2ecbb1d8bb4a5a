//! Lessons in another language.

use super::Lesson;
use crate::lab::spec::LabSpec;
use crate::language::Language;

impl Lesson {
    /// The same with its texts in another language. A lesson that the catalogue does not have whole, such as that of a teacher,
    /// stays as it is: no learner reads two languages at once.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Lesson {
        let mut texts = texts(&mut self.lab);
        let translated: Option<Vec<&str>> = texts.iter().map(|text| language.of_lesson(text)).collect();
        for (text, translated) in texts.iter_mut().zip(translated.unwrap_or_default()) {
            translated.clone_into(text);
        }
        self
    }
}

/// Everything that the lesson says to its reader.
fn texts(lab: &mut LabSpec) -> Vec<&mut String> {
    let mut texts = vec![&mut lab.title];
    for part in &mut lab.lesson {
        texts.extend([&mut part.question, &mut part.explanation]);
        for prediction in &mut part.predictions {
            texts.extend(&mut prediction.question);
            texts
                .extend(prediction.choices.iter_mut().flat_map(|choice| [&mut choice.text, &mut choice.why]));
        }
        if let Some(exercise) = &mut part.exercise {
            texts.extend([&mut exercise.task, &mut exercise.explanation]);
            texts.extend(&mut exercise.hints);
        }
    }
    texts.retain(|text| !text.is_empty());
    texts
}
