//! `guide`: checks that the code in the chapters is the code of the source, or updates it.

use std::fs;

use anyhow::{Context, Result};

use super::repository::Repository;
use crate::guide::{self, Code};

/// Compares the code, or updates it with `sync`. Exit status 1 if a chapter differs and was not updated.
pub(super) fn guide(repository: &Repository, sync: bool) -> Result<u8> {
    let mut code = Code::new(&repository.root, &repository.steps);
    let mut stale = 0;
    for lang in ["en", "ja"] {
        let folder = repository.root.join(guide::FOLDER).join(lang);
        let unreadable = || format!("cannot read {}", folder.display());
        let files = fs::read_dir(&folder).with_context(unreadable)?;
        let files = files.collect::<Result<Vec<_>, _>>().with_context(unreadable)?;
        let mut files: Vec<_> = files.into_iter().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
        files.sort();
        for file in files {
            let shown = repository.shown(&file);
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {shown}"))?;
            let synced = guide::sync(&text, &mut code).map_err(|error| error.in_file(shown.as_ref()))?;
            if synced == text {
                continue;
            }
            if sync {
                fs::write(&file, synced).with_context(|| format!("cannot write {shown}"))?;
                anstream::println!("{shown}: updated");
            } else {
                stale += 1;
                anstream::println!("{shown}: its code differs from src/");
            }
        }
    }
    if stale > 0 {
        anstream::println!("Run `cargo workshop guide --sync` to update it.");
        return Ok(1);
    }
    anstream::println!("The code in the guide is the code in src/.");
    Ok(0)
}
