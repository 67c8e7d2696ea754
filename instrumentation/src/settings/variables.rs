//! Validates variables: an invalid value is an error that names the variable, the value and what is allowed.

use std::str::FromStr;

use url::Url;

use super::mask_user_info;

/// A variable with a value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid value '{value}' for {name}: expected {expected}")]
pub struct InvalidVariable {
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub name: String,
    /// The value, with passwords masked.
    pub value: String,
    /// The allowed values, as a text: `http/protobuf or grpc`.
    pub expected: String,
}

/// The environment.
pub(super) struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup }
    }

    /// The value of a variable. An empty one counts as unset, as the specification requires.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn parsed<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidVariable> {
        parsed(name, self.get(name), expected, parse)
    }

    /// Like [`parsed`](Self::parsed), for a variable that the SDK reads. The SDK does not trim white space or
    /// ignore case, and it ignores unknown values.
    pub(super) fn parsed_by_the_sdk<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidVariable> {
        let value = (self.lookup)(name).filter(|value| !value.trim().is_empty());
        parsed(name, value, expected, parse)
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, InvalidVariable> {
        self.parsed(name, "a whole number", |value| value.parse().ok())
    }

    /// One of several words, case-insensitive.
    pub(super) fn one_of(&self, name: &str, allowed: &[&str]) -> Result<Option<String>, InvalidVariable> {
        self.parsed(name, &join_with_or(allowed), |value| {
            let value = value.to_lowercase();
            allowed.contains(&value.as_str()).then_some(value)
        })
    }

    /// Words separated by commas.
    pub(super) fn list(&self, name: &str, allowed: &[&str]) -> Result<Option<Vec<String>>, InvalidVariable> {
        self.parsed(name, &format!("a list of {}", join_with_or(allowed)), |value| {
            let words: Vec<String> = value.split(',').map(|word| word.trim().to_lowercase()).collect();
            words.iter().all(|word| allowed.contains(&word.as_str())).then_some(words)
        })
    }

    /// An address without a query, because the SDK would append the signal's path to the query.
    pub(super) fn endpoint(&self, name: &str) -> Result<Option<Url>, InvalidVariable> {
        let expected = "an http:// or https:// URL without query, for example http://localhost:4318";
        self.parsed(name, expected, |value| {
            let url = Url::parse(value).ok()?;
            let is_http = ["http", "https"].contains(&url.scheme()) && url.has_host();
            (is_http && url.query().is_none() && url.fragment().is_none()).then_some(url)
        })
        .map_err(|error| InvalidVariable { value: mask_user_info(&error.value).into_owned(), ..error })
    }
}

fn parsed<T>(
    name: &str,
    value: Option<String>,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, InvalidVariable> {
    let Some(value) = value else { return Ok(None) };
    match parse(&value) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(InvalidVariable { name: name.to_owned(), value, expected: expected.to_owned() }),
    }
}

/// `http://localhost:PORT`, the default address of a collector.
pub(super) fn local_endpoint(port: u16) -> Result<Url, InvalidVariable> {
    let value = format!("http://localhost:{port}");
    Url::parse(&value).map_err(|error| InvalidVariable {
        name: "the default endpoint".to_owned(),
        value,
        expected: error.to_string(),
    })
}

pub(super) fn join_with_or(allowed: &[&str]) -> String {
    match allowed {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => allowed.concat(),
    }
}
