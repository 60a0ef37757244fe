//! What names tasks on a command line: `lm-eval:DIR#NAME?fewshot=5&chat=multiturn&system=TEXT&form=letter&data=DIR`.

use std::path::PathBuf;

use super::conversation::Chat;
use super::request::Setting;
use crate::suite::form::Form;

/// What a specification of tasks begins with.
const SCHEME: &str = "lm-eval:";

/// Tasks, and how they are asked.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::suite) struct Spec {
    /// The folder of task files.
    pub folder: PathBuf,
    /// A task, group, tag, pattern, or several.
    pub names: String,
    pub setting: Setting,
    /// How multiple choice is asked.
    pub form: Form,
    /// A folder of documents.
    pub data: Option<PathBuf>,
    /// The settings, as written.
    query: String,
}

/// Whether a suite's specification names tasks.
pub(in crate::suite) fn is_spec(written: &str) -> bool {
    written.starts_with(SCHEME)
}

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::suite) fn read(written: &str) -> Result<Self, String> {
        let usage = "write lm-eval:DIR#NAME, where NAME is a task, a group, a tag or a pattern; settings follow as ?fewshot=N&chat=single|multiturn&system=TEXT&form=letter&data=DIR";
        let rest = written.strip_prefix(SCHEME).ok_or(usage)?;
        let (folder, rest) = rest.rsplit_once('#').ok_or(usage)?;
        let (names, query) = rest.split_once('?').unwrap_or((rest, ""));
        if folder.is_empty() || names.is_empty() {
            return Err(usage.into());
        }
        let (mut setting, mut form, mut data) = (Setting::default(), Form::default(), None);
        for part in query.split('&').filter(|p| !p.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = decoded(value)?;
            match key {
                "fewshot" => {
                    let wrong = || format!("fewshot={value} is not a number of examples");
                    setting.num_fewshot = Some(value.parse().map_err(|_| wrong())?);
                }
                "chat" => {
                    setting.chat = match value.as_str() {
                        "off" => Chat::Off,
                        "" | "single" => Chat::Single,
                        "multiturn" => Chat::Multiturn,
                        _ => return Err(format!("chat={value} is none of off, single, multiturn")),
                    }
                }
                "system" => setting.system = value,
                "form" => form = value.parse()?,
                "data" => data = Some(PathBuf::from(value)),
                other => {
                    return Err(format!(
                        "'{other}' is none of fewshot, chat, system, form, data; {usage}"
                    ));
                }
            }
        }
        Ok(Self {
            folder: PathBuf::from(folder),
            names: names.to_owned(),
            setting,
            form,
            data,
            query: query.to_owned(),
        })
    }

    /// The specification of one of its tasks.
    pub(in crate::suite) fn of_task(&self, name: &str) -> String {
        let query = if self.query.is_empty() {
            String::new()
        } else {
            format!("?{}", self.query)
        };
        format!("{SCHEME}{}#{name}{query}", self.folder.display())
    }
}

/// A value with its `%20` read.
fn decoded(value: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: String = rest.by_ref().take(2).map(char::from).collect();
        let byte = u8::from_str_radix(&digits, 16)
            .ok()
            .filter(|_| digits.len() == 2);
        bytes.push(
            byte.ok_or_else(|| {
                format!("'%{digits}' is not an escaped character; write %25 for %")
            })?,
        );
    }
    String::from_utf8(bytes).map_err(|_| format!("'{value}' is not UTF-8"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_names_tasks_and_how_they_are_asked() {
        let spec = Spec::read(
            "lm-eval:a#b/tasks#mmlu_*?fewshot=5&chat=multiturn&system=Be%20terse.&data=d",
        )
        .unwrap();
        assert_eq!(spec.folder, PathBuf::from("a#b/tasks"));
        assert_eq!(spec.names, "mmlu_*");
        assert_eq!(
            (spec.setting.num_fewshot, spec.setting.chat),
            (Some(5), Chat::Multiturn)
        );
        assert_eq!(spec.setting.system, "Be terse.");
        assert_eq!(spec.data, Some("d".into()));
        let one = spec.of_task("mmlu_law");
        assert_eq!(Spec::read(&one).unwrap().names, "mmlu_law");
        for wrong in [
            "lm-eval:dir",
            "lm-eval:#x",
            "lm-eval:d#x?shots=1",
            "lm-eval:d#x?fewshot=a",
            "lm-eval:d#x?chat=yes",
            "lm-eval:d#x?form=words",
            "lm-eval:d#x?system=%2",
        ] {
            assert!(Spec::read(wrong).is_err(), "{wrong}");
        }
    }
}
