//! Variables of the environment, checked: a bad value is refused with the words of [`Refusal`].

use std::env;
use std::str::FromStr;

use crate::config::Refusal;

/// A variable of the environment; an empty one counts as unset, as the specification says.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

pub(super) fn parsed<T>(
    name: &str,
    allowed: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    match variable(name) {
        None => Ok(None),
        Some(value) => parse(&value).map(Some).ok_or_else(|| Refusal::value(name, &value, allowed)),
    }
}

pub(super) fn number<T: FromStr>(name: &str) -> Result<Option<T>, Refusal> {
    parsed(name, "a whole number", |value| value.parse().ok())
}

pub(super) fn one_of(name: &str, allowed: &[&str]) -> Result<Option<String>, Refusal> {
    parsed(name, &allowed.join(", "), |value| {
        let value = value.to_lowercase();
        allowed.contains(&value.as_str()).then_some(value)
    })
}

pub(super) fn list(name: &str, allowed: &[&str]) -> Result<Option<Vec<String>>, Refusal> {
    parsed(name, &format!("a list of {}", allowed.join(", ")), |value| {
        let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
        names.iter().all(|name| allowed.contains(&name.as_str())).then_some(names)
    })
}

/// For a variable that the SDK reads itself, and that it takes for set when it is empty.
pub(super) fn exactly(name: &str, allowed: &str) -> Result<(), Refusal> {
    match env::var(name) {
        Ok(value) if value != allowed => {
            Err(Refusal::value(name, &value, &format!("{allowed}, or the variable unset")))
        }
        _ => Ok(()),
    }
}
