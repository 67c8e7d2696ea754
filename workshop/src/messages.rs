//! Texts in the reader's language.
//!
//! A text is written in English where it is needed: `text!("status {status}", status = 503)`. The English
//! template is also the key under which a table holds its translation: `workshop/messages/ja.toml`. A text
//! that speaks of Rust or of the files of a backend has another one for programs in other languages, in
//! `workshop/messages/any-language.toml`. `tests/messages` reads the templates from the source and reports
//! what a table lacks.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::steps::Lang;

static JAPANESE: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../messages/ja.toml")).unwrap_or_default());

static ANY_LANGUAGE: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../messages/any-language.toml")).unwrap_or_default());

/// A text that can be shown in each language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    template: &'static str,
    arguments: Vec<(&'static str, Argument)>,
}

/// The value of a `{name}` in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// The same in all languages: a number, a name, or output of the attendee's program.
    Value(String),
    /// A message inside another one.
    Message(Message),
}

impl Message {
    /// A message from a template with `{name}` for each argument. Use [`text!`](crate::text), which checks
    /// the names.
    pub fn new(template: &'static str, arguments: Vec<(&'static str, Argument)>) -> Self {
        Self { template, arguments }
    }

    /// A text that is not translated: output of a program, a line of a log.
    pub fn verbatim(text: impl fmt::Display) -> Self {
        Self { template: "{}", arguments: vec![("", Argument::Value(text.to_string()))] }
    }

    /// The text for a program in any language: without Rust, and without the files of a backend.
    pub fn for_any_language(&self) -> Self {
        let arguments = self.arguments.iter().map(|(name, argument)| (*name, argument.for_any_language()));
        Self {
            template: ANY_LANGUAGE.get(self.template).map_or(self.template, String::as_str),
            arguments: arguments.collect(),
        }
    }

    /// The text in `lang`, or in English if there is no translation.
    pub fn in_lang(&self, lang: Lang) -> String {
        let translated = match lang {
            Lang::En => None,
            Lang::Ja => JAPANESE.get(self.template),
        };
        self.render(translated.map_or(self.template, String::as_str), lang)
    }

    fn render(&self, template: &str, lang: Lang) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            let name = from.strip_prefix('{').and_then(|name| name.split_once('}')).map(|(name, _)| name);
            let argument = name.and_then(|name| self.arguments.iter().find(|(other, _)| *other == name));
            let length = match (argument, name) {
                (Some((name, argument)), _) => {
                    text.push_str(&argument.in_lang(lang));
                    name.len() + 2
                }
                // `{{` and `}}` stand for one brace.
                _ => {
                    text.push_str(&from[..1]);
                    if from.starts_with("{{") || from.starts_with("}}") { 2 } else { 1 }
                }
            };
            rest = &from[length..];
        }
        text.push_str(rest);
        text
    }
}

impl Argument {
    fn for_any_language(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Message(message) => Self::Message(message.for_any_language()),
        }
    }

    fn in_lang(&self, lang: Lang) -> String {
        match self {
            Self::Value(value) => value.clone(),
            Self::Message(message) => message.in_lang(lang),
        }
    }
}

/// The text in English.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_lang(Lang::En))
    }
}

impl std::error::Error for Message {}

/// Output of a program, which is not translated.
impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::verbatim(text)
    }
}

impl From<Message> for Argument {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl From<&Message> for Argument {
    fn from(message: &Message) -> Self {
        Self::Message(message.clone())
    }
}

macro_rules! values {
    ($($type:ty),*) => {$(
        impl From<$type> for Argument {
            fn from(value: $type) -> Self {
                Self::Value(value.to_string())
            }
        }
    )*};
}
values!(
    &str,
    String,
    &String,
    u8,
    u16,
    u32,
    u64,
    usize,
    i32,
    i64,
    f64,
    &serde_json::Value,
    &otlp::model::Value
);

/// A [`Message`] from an English template and its arguments: `text!("{key} is {value}", key, value = 3)`.
///
/// An argument is a [`Message`], a string, a number or a value of JSON or OTLP. The compiler rejects a
/// template whose placeholders are not the names of the arguments.
#[macro_export]
macro_rules! text {
    ($template:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        // This closure is never called. With it, the compiler compares the placeholders with the names.
        let _ = || { $( let $name = ""; )* let _ = format_args!($template $(, $name = $name)*); };
        $crate::messages::Message::new(
            $template,
            vec![$((stringify!($name), $crate::text!(@argument $name $(= $value)?))),*],
        )
    }};
    (@argument $name:ident = $value:expr) => { $crate::messages::Argument::from($value) };
    (@argument $name:ident) => { $crate::messages::Argument::from($name) };
}
