//! The members of a JSON object, already serialized.

use std::fmt;

use serde::Serialize;

/// Members, separated by commas, without the braces around them.
#[derive(Default)]
pub(super) struct Object(Vec<u8>);

impl Object {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a member.
    pub(super) fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        self.json(value);
    }

    /// Adds a member whose name and text need no escaping.
    pub(super) fn plain_member(&mut self, name: &'static str, text: &str) {
        self.comma();
        for part in ["\"", name, "\":\"", text, "\""] {
            self.0.extend_from_slice(part.as_bytes());
        }
    }

    /// Adds a member that is an object.
    pub(super) fn object(&mut self, name: &str, members: &Self) {
        self.name(name);
        self.0.push(b'{');
        self.0.extend_from_slice(&members.0);
        self.0.push(b'}');
    }

    /// Adds the members of another object.
    pub(super) fn members(&mut self, others: &Self) {
        if !others.is_empty() {
            self.comma();
            self.0.extend_from_slice(&others.0);
        }
    }

    fn name(&mut self, name: &str) {
        self.comma();
        self.json(name);
        self.0.push(b':');
    }

    fn comma(&mut self) {
        if !self.is_empty() {
            self.0.push(b',');
        }
    }

    fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        // Strings, numbers and booleans can always be serialized, and writing to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut self.0, value);
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `serde_json` writes UTF-8 only.
        write!(f, "{{{}}}", str::from_utf8(&self.0).map_err(|_| fmt::Error)?)
    }
}
