//! The `OTEL_*` variables.

mod destination;
mod invalid;
mod masking;
mod propagators;
mod signals;

use instrumentation::settings::{InvalidVariable, Settings};

/// Settings of a process with only these variables.
fn read(variables: &[(&str, &str)]) -> Result<Settings, InvalidVariable> {
    Settings::from_lookup(|name| {
        let mut values = variables.iter().filter(|(known, _)| *known == name);
        values.next().map(|(_, value)| (*value).to_owned())
    })
}

/// The same for valid variables.
#[track_caller]
fn valid(variables: &[(&str, &str)]) -> Settings {
    read(variables).unwrap_or_else(|error| panic!("{variables:?} is valid, got: {error}"))
}
