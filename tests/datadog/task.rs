//! The containers of the canary's task definition.

use std::collections::BTreeMap;
use std::fs;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/infrastructure/env/handson-api-canary/taskdef.yaml");

/// The containers, by name.
#[derive(Debug)]
pub struct Task(BTreeMap<String, Container>);

/// A container.
#[derive(Debug, Default)]
pub struct Container {
    /// Its environment.
    pub variables: BTreeMap<String, String>,
    /// Labels and options of its log driver: everything with a key and a value.
    settings: BTreeMap<String, String>,
}

impl Task {
    /// Reads the file. It has a fixed form, which PipeCD keeps when it writes the file: two spaces per level,
    /// one key per line.
    pub fn read() -> Self {
        let text = fs::read_to_string(FILE).unwrap();
        let (_, containers) = text.split_once("\ncontainerDefinitions:\n").unwrap();
        let mut task = BTreeMap::<String, Container>::new();
        let (mut container, mut variable) = (String::new(), String::new());
        for line in containers.lines() {
            let Some((key, value)) = line.split_once(": ") else { continue };
            let value = value.trim_matches('"').to_owned();
            match key {
                "  - name" => container = value,
                "      - name" => variable = value,
                "        value" => {
                    task.entry(container.clone()).or_default().variables.insert(variable.clone(), value);
                }
                _ => {
                    let settings = &mut task.entry(container.clone()).or_default().settings;
                    settings.insert(key.trim().to_owned(), value);
                }
            }
        }
        Self(task)
    }

    /// The container with this name.
    pub fn container(&self, name: &str) -> &Container {
        self.0.get(name).unwrap_or_else(|| panic!("no container {name} in {FILE}"))
    }
}

impl Container {
    /// The value of a label or an option.
    pub fn setting(&self, key: &str) -> &str {
        self.settings.get(key).unwrap_or_else(|| panic!("no {key}: {self:#?}"))
    }

    /// `dd_tags`: the tags that FireLens adds to each line.
    pub fn tags(&self) -> Vec<(&str, &str)> {
        self.setting("dd_tags").split(',').map(|tag| tag.split_once(':').unwrap()).collect()
    }
}
