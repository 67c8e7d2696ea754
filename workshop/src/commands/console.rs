//! `console`: starts only the console.

use anyhow::Result;
use console::options::{self, ConsoleArguments};

use super::repository::Repository;
use crate::pages;

/// The default port of the service.
const DEFAULT_PORT: u16 = 8080;

pub(super) fn console(arguments: &ConsoleArguments) -> Result<u8> {
    let guide = Repository::here().ok().map(|repository| repository.root.join(crate::guide::FOLDER));
    options::run(arguments, pages::extension(None, guide, DEFAULT_PORT, None))?;
    Ok(0)
}
