//! The fields of an event, each with its own type.

use std::fmt::Debug;

use serde::Serialize;
use tracing::field::{Field, Visit};

use super::object::Object;

/// The fields of an event.
#[derive(Default)]
pub(super) struct Fields {
    /// The text of the event; empty if it has none.
    pub(super) message: String,
    /// The fields `exception.*`, with the names `kind`, `message` and `stack`.
    pub(super) error: Object,
    /// All other fields.
    pub(super) others: Object,
}

impl Fields {
    fn add(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        match field.name() {
            "exception.type" => self.error.member("kind", value),
            "exception.message" => self.error.member("message", value),
            "exception.stacktrace" => self.error.member("stack", value),
            name => self.others.member(name, value),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            _ => self.add(field, &format!("{value:?}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            _ => self.add(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &value);
    }
}
