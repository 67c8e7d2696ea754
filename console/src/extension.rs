//! Pages that another program adds to the console.

use std::sync::Arc;

use axum::Router;
use maud::Markup;

use crate::{Console, Lang};

/// Pages of the program that the console is a part of. An empty one adds nothing.
#[derive(Default)]
pub struct Extension {
    /// Links of the navigation, after the console's own.
    pub links: Vec<Link>,
    /// The routes of the pages.
    pub routes: Router<Arc<Console>>,
    /// A command that makes a trace, for pages on which nothing has arrived.
    pub trace_command: Option<String>,
    /// A command that makes requests fail, for the page of errors.
    pub failure_command: Option<String>,
    /// A section at the end of the overview.
    pub overview: Option<Section>,
}

/// A section of a page. It is rendered only for HTML.
pub type Section = Arc<dyn Fn(Lang) -> Markup + Send + Sync>;

/// A link of the navigation.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The path of the page, such as `/traces`.
    pub path: &'static str,
    /// Its name in a language.
    pub name: fn(Lang) -> &'static str,
}
