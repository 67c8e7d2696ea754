//! Links from one failed span of a trace to the next.

use maud::{Markup, html};

use super::waterfall::{Waterfall, address};
use crate::Lang;
use otlp::model::Span;

/// The failed spans of a trace, in the order of its rows.
pub(super) struct Errors {
    count: usize,
    /// The addresses of the failed spans before and after the selected one.
    previous: Option<String>,
    next: Option<String>,
}

impl Errors {
    pub(super) fn new(waterfall: &Waterfall<'_>, chosen: Option<&Span>, find: &str) -> Self {
        let (before, after) = waterfall.failed_around(chosen);
        // The last one is followed by the first.
        let next = after.first().or(before.first());
        let previous = before.last().or(after.last());
        let link = |span: Option<&&Span>| span.map(|span| address(span, find));
        Self { count: waterfall.failed(), previous: link(previous), next: link(next) }
    }

    pub(super) fn links(&self, lang: Lang) -> Markup {
        html! {
            @if self.count > 0 {
                span { b.bad { (lang.plural(self.count as u64, "{n} error", "{n} errors")) } }
            }
            @if let (Some(previous), Some(next)) = (&self.previous, &self.next) {
                span {
                    a.previous-error href=(previous) aria-keyshortcuts="Shift+N" { (lang.tr("previous error")) } ", "
                    a.next-error href=(next) aria-keyshortcuts="N" { (lang.tr("next error")) } " " kbd { "n" }
                }
            }
        }
    }
}
