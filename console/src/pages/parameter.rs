//! Query parameters with invalid values.

use serde::{Serialize, Serializer};

use crate::Lang;
use crate::store::cut;

/// Maximum number of bytes of a value that are repeated in the message.
const MAX_VALUE: usize = 200;

/// A parameter with a value that is not allowed.
#[derive(Debug, Clone)]
pub(super) struct InvalidParameter {
    name: &'static str,
    value: String,
    /// What is allowed, in English.
    expected: &'static str,
}

impl InvalidParameter {
    pub(super) fn new(name: &'static str, value: &str, expected: &'static str) -> Self {
        Self { name, value: cut(value, MAX_VALUE).to_owned(), expected }
    }

    pub(super) fn text(&self, lang: Lang) -> String {
        lang.trf(
            "invalid value '{value}' for {name}: expected {expected}",
            &[("value", &self.value), ("name", &self.name), ("expected", &lang.tr(self.expected))],
        )
    }
}

impl Serialize for InvalidParameter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text(Lang::En))
    }
}
