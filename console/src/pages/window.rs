//! The time of rates: of the chosen range, what is kept.

use std::time::Duration;

use maud::{Markup, html};

use super::format;
use crate::store::{HISTORY_WINDOW, SLOT};
use crate::{Lang, TimeRange};

/// The time that is shown if none was chosen.
const DEFAULT_WINDOW: Duration = Duration::from_secs(5 * 60);

/// A time, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) from: u64,
    pub(super) to: u64,
    /// Whether the chosen range begins before everything that is kept.
    is_cut: bool,
}

impl Window {
    pub(super) fn new(range: &TimeRange, now: u64) -> Self {
        let ago = |duration: Duration| now.saturating_sub(duration.as_nanos() as u64);
        if !range.is_chosen() {
            return Self { from: ago(DEFAULT_WINDOW), to: now, is_cut: false };
        }
        let oldest = ago(HISTORY_WINDOW);
        let from = range.from.max(oldest);
        Self {
            from,
            to: range.to.clamp(from, now.max(from)),
            is_cut: range.from < oldest.saturating_sub(SLOT.as_nanos() as u64),
        }
    }

    pub(super) fn seconds(&self) -> u64 {
        Duration::from_nanos(self.to - self.from).as_secs()
    }

    /// How long ago it began, or when it began and ended.
    pub(super) fn text(&self, lang: Lang, now: u64) -> Markup {
        html! {
            @match self.seconds() {
                seconds if self.to == now && seconds % 60 == 0 => {
                    (lang.plural(seconds / 60, "the last {n} minute", "the last {n} minutes"))
                }
                _ => { (format::clock(self.from)) " – " (format::clock(self.to)) }
            }
        }
    }

    /// Explains that the chosen range is longer.
    pub(super) fn notice(&self, lang: Lang) -> Markup {
        html! {
            @if self.is_cut {
                p.quiet { (lang.trf("Requests are kept for {n} minutes; earlier ones are not in the charts and tables.",
                    &[("n", &(HISTORY_WINDOW.as_secs() / 60))])) }
            }
        }
    }
}
