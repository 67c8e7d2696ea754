//! The repository in which the command runs, its steps, and the backend that the command is about.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{fail, message, names};
use crate::error::Error;
use crate::source;
use crate::steps::{Lang, Step, Steps, did_you_mean};
use crate::text;

/// The name of the finished service in place of a backend's name.
pub(super) const FINISHED: &str = "handson";

/// The repository in which the command runs.
pub(super) struct Repository {
    /// Its folder.
    pub(super) root: PathBuf,
    /// Its steps.
    pub(super) steps: Steps,
    /// The backend in whose folder the command runs.
    current_backend: Option<String>,
    /// How many folders below `root` the command runs.
    depth: usize,
}

impl Repository {
    /// Searches the repository from the current folder upwards, then from the folder that Cargo passes on.
    pub(super) fn here() -> Result<Self> {
        let current = env::current_dir().context("cannot read the current folder")?;
        let by_cargo = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = current
            .ancestors()
            .chain(by_cargo.iter().flat_map(|folder| folder.ancestors()))
            .find(|folder| folder.join("workshop/steps.toml").is_file())
            .ok_or_else(|| fail(text!("this folder is not in the workshop's repository: expected workshop/steps.toml here or in a parent folder")))?
            .to_owned();
        let below = current.strip_prefix(&root).ok();
        let current_backend = below.and_then(|below| {
            let folder = below.components().next()?.as_os_str().to_str()?;
            folder.strip_prefix("backend-").map(str::to_owned)
        });
        let depth = below.map_or(0, |below| below.components().count());
        let steps = Steps::load(&root)?;
        // Without the alias, `cargo workshop` works in fewer folders, which is no reason to stop.
        let _ = source::write_alias(&root);
        Ok(Self { root, steps, current_backend, depth })
    }

    /// `backend-NAME`.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(format!("backend-{name}"))
    }

    /// The file with the last report on a backend.
    pub(super) fn report(&self, name: &str) -> PathBuf {
        self.root.join(".workshop").join(name).join("report.json")
    }

    /// The names of all backends except the base.
    pub(super) fn backends(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("backend-").map(str::to_owned))
            .filter(|name| name != "base")
            .collect();
        names.sort();
        names
    }

    /// The backend that the command is about: the named one, otherwise the current one, otherwise the only
    /// one.
    pub(super) fn backend(&self, named: Option<&str>) -> Result<String> {
        let backends = self.backends();
        let list = || match &backends[..] {
            [] => text!("there is no backend yet; `cargo workshop new NAME` creates one"),
            names => text!("backends: {names}", names = names.join(", ")),
        };
        match named {
            Some(name) => {
                let name = names::plain(name);
                if self.folder(name).is_dir() {
                    return Ok(name.to_owned());
                }
                let backends = backends.iter().map(String::as_str);
                let steps = self.steps.all().iter().map(|step| step.id.as_str());
                let similar = did_you_mean(name, &backends.chain(steps).collect::<Vec<_>>());
                let expected = text!("expected a backend or a step; {list}{similar}", list = list(), similar);
                Err(Error::value(name, "NAME", expected).into())
            }
            None => match self.implied(&backends) {
                Some(name) => Ok(name),
                None => Err(fail(text!(
                    "missing NAME: name a backend, or change to its folder; {list}",
                    list = list()
                ))),
            },
        }
    }

    /// The backend that the command is about if none is named; `None` if there are several or none.
    fn implied(&self, backends: &[String]) -> Option<String> {
        match (&self.current_backend, backends) {
            (Some(name), _) => Some(name.clone()),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        }
    }

    /// The backend that `up` starts, by the same rule as [`Repository::backend`]; `None` is the finished
    /// service, which is started by its own name, or if there is no backend.
    pub(super) fn backend_or_finished(&self, named: Option<&str>) -> Result<Option<String>> {
        match named {
            Some(FINISHED) => Ok(None),
            None if self.current_backend.is_none() && self.backends().is_empty() => Ok(None),
            named => match self.backend(named) {
                Ok(name) => Ok(Some(name)),
                Err(error) => Err(fail(text!(
                    "{error}; `cargo workshop up {finished}` starts the finished service",
                    error = message(&error),
                    finished = FINISHED
                ))),
            },
        }
    }

    /// Splits NAME and STEPs: a first argument that is not a step is the name.
    pub(super) fn backend_and_steps(&self, arguments: &[String]) -> Result<(String, Vec<&Step>)> {
        let (named, steps) = match arguments.split_first() {
            Some((first, rest)) if self.steps.find(first).is_err() => (Some(first.as_str()), rest),
            _ => (None, arguments),
        };
        let name = self.backend(named)?;
        let steps = steps.iter().map(|step| self.steps.find(step)).collect::<Result<_, _>>()?;
        Ok((name, steps))
    }

    /// The language of a backend: `package.metadata.workshop.lang` of its manifest, otherwise the
    /// environment's.
    pub(super) fn language(&self, name: &str) -> Lang {
        let manifest = fs::read_to_string(self.folder(name).join("Cargo.toml")).unwrap_or_default();
        let manifest: toml::Table = manifest.parse().unwrap_or_default();
        let lang = ["package", "metadata", "workshop", "lang"]
            .iter()
            .try_fold(&toml::Value::Table(manifest), |value, key| value.get(key))
            .and_then(|lang| lang.as_str().map(str::to_owned));
        match lang.as_deref() {
            Some("ja") => Lang::Ja,
            Some("en") => Lang::En,
            _ => environment_language(),
        }
    }

    /// The language of the output: the one of the options, otherwise the one of the current backend,
    /// otherwise the environment's.
    pub(super) fn output_language(&self, chosen: Option<Lang>) -> Lang {
        let current = || self.implied(&self.backends()).map(|name| self.language(&name));
        chosen.or_else(current).unwrap_or_else(environment_language)
    }

    /// A path relative to the current folder, as one would type it.
    pub(super) fn shown(&self, path: &Path) -> String {
        match path.strip_prefix(&self.root) {
            Ok(below) => "../".repeat(self.depth) + &below.display().to_string(),
            Err(_) => path.display().to_string(),
        }
    }
}

/// Japanese if `LC_ALL` or `LANG` says so.
pub(super) fn environment_language() -> Lang {
    let locale =
        ["LC_ALL", "LANG"].iter().filter_map(|name| env::var(name).ok()).find(|value| !value.is_empty());
    if locale.is_some_and(|locale| locale.starts_with("ja")) { Lang::Ja } else { Lang::En }
}
