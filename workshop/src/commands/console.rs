//! `console`: starts only the console.

use anyhow::Result;
use console::options::{self, ConsoleOptions};

use super::repository::Repository;
use crate::pages;

/// The default port of the service.
const DEFAULT_PORT: u16 = 8080;

pub(super) fn console(options: &ConsoleOptions) -> Result<u8> {
    let guide = Repository::here().ok().map(|repository| repository.root.join(crate::guide::FOLDER));
    options::run(options, pages::extension(None, guide, DEFAULT_PORT))?;
    Ok(0)
}
