//! Clocks of services that differ from those of their callers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use maud::{Markup, html};

use crate::Lang;
use crate::pages::format;
use otlp::model::{Span, SpanKind, Trace};

/// Differences that are smaller are usual between computers.
const MIN_SKEW: u64 = Duration::from_millis(1).as_nanos() as u64;
/// Maximum number of pairs of services to show.
const MAX_PAIRS: usize = 5;

/// The caller and the called service.
type Pair<'a> = (&'a str, &'a str);

/// By how many nanoseconds the clock of each called service is ahead of its caller's; negative if it is
/// behind. A SERVER span cannot start before the call, and usually starts before the call has ended.
fn skews<'a>(trace: &Trace<'a>) -> BTreeMap<Pair<'a>, i128> {
    let by_id: HashMap<&str, &Span> = trace.spans.iter().map(|span| (span.span_id.as_str(), *span)).collect();
    let mut skews = BTreeMap::new();
    for called in trace.spans.iter().filter(|span| span.kind == SpanKind::Server) {
        let parent = called.parent_span_id.as_deref().and_then(|id| by_id.get(id).copied());
        let Some(call) = parent.filter(|parent| parent.kind == SpanKind::Client) else { continue };
        if call.service() == called.service() || (call.start..=call.end).contains(&called.start) {
            continue;
        }
        // Most likely, the call took as long before as after the work of the called service.
        let before = call.duration().saturating_sub(called.duration()) / 2;
        let skew = i128::from(called.start) - i128::from(call.start) - i128::from(before);
        if skew.unsigned_abs() >= u128::from(MIN_SKEW) {
            skews.insert((call.service(), called.service()), skew);
        }
    }
    skews
}

pub(super) fn notices(lang: Lang, trace: &Trace<'_>) -> Markup {
    html! {
        @for ((caller, called), skew) in skews(trace).into_iter().take(MAX_PAIRS) {
            @let time = format::duration(skew.unsigned_abs() as f64);
            @let (caller, called) = (format::short(caller, 60), format::short(called, 60));
            @let arguments: [(&str, &dyn std::fmt::Display); 3] = [("called", &called), ("caller", &caller), ("time", &time)];
            p.notice {
                @if skew < 0 {
                    (lang.trf("The clock of {called} is about {time} behind that of {caller}: its spans are drawn too early.", &arguments))
                } @else {
                    (lang.trf("The clock of {called} is about {time} ahead of that of {caller}, or it began after the call had ended: its spans are drawn too late.", &arguments))
                }
            }
        }
    }
}
