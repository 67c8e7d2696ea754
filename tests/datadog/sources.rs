//! The files that contain queries to Datadog.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub const DASHBOARD: &str = "datadog/dashboard.json";
pub const DASHBOARD_TF: &str = "datadog/dashboard.tf";
pub const MONITORS: &str = "datadog/monitors.tf";
pub const VARIABLES: &str = "datadog/variables.tf";
pub const EXAMPLE: &str = "datadog/terraform.tfvars.example";
pub const ANALYSIS: &str = "handson-api-canary/app.pipecd.yaml";

/// The texts of the files, by path below `infrastructure/env`.
pub struct Sources(BTreeMap<&'static str, String>);

impl Sources {
    /// Reads the files.
    pub fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("infrastructure/env");
        let files = [DASHBOARD, DASHBOARD_TF, MONITORS, VARIABLES, EXAMPLE, ANALYSIS];
        Self(files.map(|file| (file, fs::read_to_string(folder.join(file)).unwrap())).into())
    }

    /// The text of a file.
    pub fn text(&self, file: &str) -> &str {
        &self.0[file]
    }

    /// Replaces this text in a file, in each place.
    pub fn with(mut self, file: &str, text: &str, other: &str) -> Self {
        let of_file = self.0.get_mut(file).unwrap();
        assert!(of_file.contains(text), "{file} has no {text}");
        *of_file = of_file.replace(text, other);
        self
    }

    /// `var.…` with their defaults, or the example's value if there is none; `local.…` as defined.
    pub fn scope(&self) -> BTreeMap<String, String> {
        let mut scope = BTreeMap::new();
        for block in
            self.text(VARIABLES).split("\nvariable \"").map(|block| block.trim_start_matches("variable \""))
        {
            let name = block.split('"').next().unwrap_or_default();
            let default = assignments(block).find(|(key, _)| *key == "default");
            let example = assignments(self.text(EXAMPLE)).find(|(key, _)| *key == name);
            let value = default.or(example).map_or("", |(_, value)| value);
            scope.insert(format!("var.{name}"), value.trim_matches('"').to_owned());
        }
        let (_, locals) = self.text(MONITORS).split_once("locals {").unwrap();
        let (locals, _) = locals.split_once("\n}").unwrap();
        scope.extend(assignments(locals).map(|(name, value)| (format!("local.{name}"), value.to_owned())));
        scope
    }

    /// The variables that `templatefile` passes to the dashboard.
    pub fn template(&self) -> BTreeMap<String, String> {
        let text = self.text(DASHBOARD_TF);
        let (_, call) = text.split_once("templatefile(\"${path.module}/dashboard.json\", {").unwrap();
        let (values, _) = call.split_once('}').unwrap();
        let scope = self.scope();
        let value = |variable: &str| scope.get(variable).cloned().unwrap_or_default();
        assignments(values).map(|(name, variable)| (name.to_owned(), value(variable))).collect()
    }
}

/// The lines `name = value`.
fn assignments(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.trim(), value.trim()))
}

/// Replaces `${name}` by its value.
///
/// # Errors
///
/// The first name that `scope` does not have.
pub fn interpolate(text: &str, scope: &BTreeMap<String, String>) -> Result<String, String> {
    let mut pieces = text.split("${");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
        whole += scope.get(name).ok_or_else(|| format!("${{{name}}} is not defined"))?;
        whole += rest;
    }
    Ok(whole)
}
