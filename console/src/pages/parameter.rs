//! Query parameters with invalid values.

use serde::{Serialize, Serializer};

use crate::Lang;
use crate::search::SearchError;
use crate::store::cut;

/// Maximum number of bytes of a value that are repeated in the message.
const MAX_VALUE: usize = 200;

/// A parameter with a value that is not allowed.
#[derive(Debug, Clone)]
pub(crate) struct InvalidParameter {
    /// Empty for a search, of which a page has only one.
    name: &'static str,
    value: String,
    /// The place of `value` in a search, in characters from 1.
    at: Option<usize>,
    /// What is allowed, in English.
    expected: &'static str,
}

impl InvalidParameter {
    pub(crate) fn new(name: &'static str, value: &str, expected: &'static str) -> Self {
        Self { name, value: cut(value, MAX_VALUE).to_owned(), at: None, expected }
    }

    pub(crate) fn in_search(error: &SearchError) -> Self {
        Self { at: Some(error.at), ..Self::new("", &error.found, error.expected) }
    }

    pub(crate) fn text(&self, lang: Lang) -> String {
        let (value, name, expected) = (&self.value, &self.name, &lang.tr(self.expected));
        match &self.at {
            None => lang.trf(
                "invalid value '{value}' for {name}: expected {expected}",
                &[("value", value), ("name", name), ("expected", expected)],
            ),
            Some(at) => lang.trf(
                "invalid search '{value}' at character {at}: expected {expected}",
                &[("value", value), ("at", at), ("expected", expected)],
            ),
        }
    }
}

impl Serialize for InvalidParameter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text(Lang::En))
    }
}
