//! Tables of the attributes that a span, a resource or a point of a metric must have, and their comparison.

use super::assert::{Check, ensure, fail};
use crate::messages::Message;
use crate::text;
use otlp::model::{Attributes, Value, type_without_module};

/// A row of a table: one attribute, and its expected value, which follows from the facts `F`.
pub(super) struct Attribute<F: ?Sized> {
    pub(super) key: &'static str,
    pub(super) level: Level,
    /// The expected value.
    pub(super) value: fn(&F) -> Is,
    /// Names of the attribute in older semantic conventions.
    pub(super) formerly: &'static [&'static str],
}

/// How the semantic conventions require an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// It must be present. If that depends on a condition, the table expresses the condition by
    /// [`Is::Absent`].
    Required,
    /// If it is missing, the check gives advice and does not fail. If it is present, its value must be right.
    Recommended,
}

/// An expected value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Is {
    Value(Value),
    /// One of several correct spellings.
    OneOf(Vec<Value>),
    /// The type of an error: one of these names, also with the module or package before it.
    ErrorType(Vec<String>),
    /// A non-empty string.
    Text,
    /// The attribute must not be present.
    Absent,
    /// The attribute may be present or not, with any value.
    Any,
}

pub(super) const fn required<F: ?Sized>(
    key: &'static str,
    value: fn(&F) -> Is,
    formerly: &'static [&'static str],
) -> Attribute<F> {
    Attribute { key, level: Level::Required, value, formerly }
}

pub(super) const fn recommended<F: ?Sized>(
    key: &'static str,
    value: fn(&F) -> Is,
    formerly: &'static [&'static str],
) -> Attribute<F> {
    Attribute { key, level: Level::Recommended, value, formerly }
}

/// The error types of a run.
pub(super) const ERRORS: [&str; 2] = ["RandomError", "HttpbinError"];

/// Whether a type is this kind of error. Some languages put the module or package before it.
pub(super) fn is_kind(seen: &str, kind: &str) -> bool {
    type_without_module(seen) == type_without_module(kind)
}

/// Expects this text.
pub(super) fn text(value: &str) -> Is {
    Is::Value(Value::from(value))
}

/// Expects this integer.
pub(super) fn int(value: impl Into<i64>) -> Is {
    Is::Value(Value::Int(value.into()))
}

/// Checks `attributes` against `table`. If several attributes are missing, the failure names all of them.
pub(super) fn attributes_are<F: ?Sized>(attributes: &Attributes, table: &[Attribute<F>], facts: &F) -> Check {
    let rows = || table.iter().map(|row| (row, (row.value)(facts)));
    let missing = |level: Level| {
        move |(row, is): &(&Attribute<F>, Is)| {
            row.level == level && !matches!(is, Is::Absent | Is::Any) && attributes.get(row.key).is_none()
        }
    };
    // An old name is a failure even if the new one is only recommended.
    let renamed = rows().filter(|(_, is)| !matches!(is, Is::Absent)).find_map(|(row, _)| {
        let old = row.formerly.iter().find(|old| attributes.get(old).is_some())?;
        attributes.get(row.key).is_none().then_some((row.key, *old))
    });
    if let Some((key, old)) = renamed {
        return fail(
            text!("{key} is missing, but there is {old}", key, old),
            text!("{old} is the name that older semantic conventions had; it is {key} now.", old, key),
        );
    }
    let absent: Vec<_> = rows().filter(missing(Level::Required)).collect();
    if let [(first, is), ..] = &absent[..] {
        let keys = absent.iter().map(|(row, _)| row.key).collect::<Vec<_>>().join(", ");
        let all = attributes.iter().map(|(key, _)| key).collect::<Vec<_>>().join(", ");
        let seen = match absent.len() {
            1 => text!("{keys} is missing among {all}", keys, all),
            _ => text!("{keys} are missing among {all}", keys, all),
        };
        return fail(seen, cause_of_missing(first.key, is));
    }
    for (row, is) in rows() {
        if let Some(value) = attributes.get(row.key) {
            value_is(row.key, value, &is)?;
        }
    }
    has_unique_keys(attributes)
}

/// The recommended attributes that are missing.
pub(super) fn recommended_are_missing<F: ?Sized>(
    attributes: &Attributes,
    table: &[Attribute<F>],
    facts: &F,
) -> Vec<&'static str> {
    let rows = table.iter().filter(|row| row.level == Level::Recommended);
    let missing = rows.filter(|row| {
        attributes.get(row.key).is_none() && !matches!((row.value)(facts), Is::Absent | Is::Any)
    });
    missing.map(|row| row.key).collect()
}

/// Advice to add these attributes; `None` if there are none.
pub(super) fn advice_on(missing: Vec<&str>) -> Option<Message> {
    (!missing.is_empty())
        .then(|| text!("The conventions recommend {keys} for it, too.", keys = missing.join(", ")))
}

fn value_is(key: &str, value: &Value, is: &Is) -> Check {
    let holds = match is {
        Is::Value(right) => right == value,
        Is::OneOf(all) => all.contains(value),
        Is::ErrorType(names) => {
            matches!(value, Value::Text(seen) if names.iter().any(|name| is_kind(seen, name)))
        }
        Is::Text => matches!(value, Value::Text(text) if !text.is_empty()),
        Is::Absent => false,
        Is::Any => true,
    };
    if holds {
        return Ok(());
    }
    let seen = text!("{key} = {value}", key, value);
    let is_number = |is: &Is| matches!(is, Is::Value(Value::Int(_)));
    match (is, value) {
        (Is::Absent, _) => {
            fail(seen, text!("Nothing failed here, or this value does not exist: {key} must be absent.", key))
        }
        (is, Value::Text(_)) if is_number(is) => fail(
            seen,
            text!("{key} is a number, and was set as a string: backends cannot compare it. Set an i64.", key),
        ),
        (is, Value::Double(_)) if is_number(is) => fail(
            seen,
            text!(
                "{key} is an integer, and was set as a floating-point number: {right}.",
                key,
                right = is.describe()
            ),
        ),
        _ => fail(seen, text!("{key} should be {right}.", key, right = is.describe())),
    }
}

/// Each key must be present only once: with two values, it depends on the backend which one is shown.
fn has_unique_keys(attributes: &Attributes) -> Check {
    let mut keys: Vec<&str> = attributes.iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    let double = keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
    ensure!(
        double.is_none(),
        text!("{key} is present twice", key = double.unwrap_or_default()),
        text!("Keys are unique: set the attribute once.")
    );
    Ok(())
}

fn cause_of_missing(key: &str, is: &Is) -> Message {
    match setter(key) {
        Some(setter) => {
            text!("The crate's layer sets {key} when it is built with {setter}.", key, setter)
        }
        None => text!(
            "The crate's layers set {key}; a layer of your own must set it to {right}.",
            key,
            right = is.describe()
        ),
    }
}

/// The builder method of the layer that sets an attribute which the layer cannot determine itself.
fn setter(key: &str) -> Option<&'static str> {
    match key {
        "db.namespace" => Some(".with_namespace(…)"),
        "db.operation.name" | "db.collection.name" | "db.query.summary" => Some(".operation(…)"),
        _ => None,
    }
}

impl Is {
    fn describe(&self) -> Message {
        match self {
            Self::Value(value) => Message::verbatim(value),
            Self::OneOf(values) => {
                Message::verbatim(values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" / "))
            }
            Self::ErrorType(names) => Message::verbatim(names.join(" / ")),
            Self::Text => text!("a string"),
            Self::Absent => text!("absent"),
            Self::Any => text!("anything"),
        }
    }
}
