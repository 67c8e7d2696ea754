//! The map of calls as SVG, without a script: services are links to their pages, calls to their traces.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use maud::{Markup, html};

use super::ServiceView;
use super::layout::{HEIGHT, LOOP, Layout, Line, Point, WIDTH, layout};
use crate::page::Context;
use crate::pages::format::{self, address};
use crate::pages::overview::calls::Call;

/// Maximum number of services on the map.
const MAX_SERVICES: usize = 20;
/// Maximum number of characters of a name, so that it fits.
const MAX_NAME: usize = 14;

/// The services on the map, sorted by name, and the calls between them.
pub(super) struct Map<'a> {
    services: Vec<&'a str>,
    calls: Vec<&'a Call>,
    left_out: usize,
}

impl<'a> Map<'a> {
    /// If there are too many services, those of the most frequent calls are shown.
    pub(super) fn new(calls: &'a [Call]) -> Self {
        let mut frequent: Vec<&Call> = calls.iter().collect();
        frequent.sort_by_key(|call| Reverse(call.count));
        let (mut all, mut shown): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
        for call in frequent {
            let both = BTreeSet::from([call.caller.as_str(), call.callee.as_str()]);
            all.extend(&both);
            if shown.union(&both).count() <= MAX_SERVICES {
                shown.extend(both);
            }
        }
        let is_shown = |service: &String| shown.contains(service.as_str());
        let calls = calls.iter().filter(|call| is_shown(&call.caller) && is_shown(&call.callee));
        Self {
            calls: calls.collect(),
            left_out: all.len() - shown.len(),
            services: shown.into_iter().collect(),
        }
    }

    pub(super) fn html(&self, context: &Context, known: &[ServiceView]) -> Markup {
        let lang = context.lang;
        let place = |service: &str| self.services.binary_search(&service).unwrap_or_default();
        let pairs: Vec<(usize, usize)> =
            self.calls.iter().map(|call| (place(&call.caller), place(&call.callee))).collect();
        let Layout { width, height, services, lines } = layout(self.services.len(), &pairs);
        let size = |pixels: f64| format!("{pixels:.0}");
        html! {
            div.map {
                svg width=(size(width)) height=(size(height)) viewBox={ "0 0 " (size(width)) " " (size(height)) }
                    role="group" aria-label=(lang.tr("Map of calls")) {
                    @for (line, (caller, _)) in lines.iter().zip(&pairs) {
                        (arrow(line, services[*caller]))
                    }
                    @for (name, at) in self.services.iter().zip(&services) {
                        (service(context, name, known.iter().find(|known| known.service == *name), *at))
                    }
                    // The labels are in front of all lines.
                    @for (line, call) in lines.iter().zip(&self.calls) { (label(context, line, call)) }
                }
            }
            @if self.left_out > 0 {
                p.quiet { (lang.trf("The map shows {shown} services, those with the most calls; {n} others are only in the tables.",
                    &[("shown", &self.services.len()), ("n", &self.left_out)])) }
            }
        }
    }
}

/// The line of a call, with its head.
fn arrow(line: &Line, caller: Point) -> Markup {
    let mut path = String::new();
    let (head, direction) = match line.points[..] {
        [first, .., last] => {
            path.push_str(&format!("M{:.1} {:.1}", first.0, first.1));
            for (at, two) in line.points.windows(2).enumerate() {
                path.push_str(&if at % 2 == 0 { curve(two[0], two[1]) } else { straight(two[1]) });
            }
            (last, if first.0 < last.0 { (-7.0, 4.0) } else { (7.0, 4.0) })
        }
        // The service calls itself.
        _ => {
            let (x, y) = (caller.0, caller.1 - HEIGHT / 2.0);
            path.push_str(&format!("M{:.1} {y:.1}c-12 -{LOOP:.0} 44 -{LOOP:.0} 32 0", x - 16.0));
            ((x + 16.0, y), (4.0, -7.0))
        }
    };
    let (x, y) = head;
    let (dx, dy) = direction;
    let other = if line.points.is_empty() { (-dx, dy) } else { (dx, -dy) };
    html! {
        path.call d=(path) {}
        path.head d=(format!("M{x:.1} {y:.1}l{dx} {dy}L{:.1} {:.1}z", x + other.0, y + other.1)) {}
    }
}

/// A curve that leaves and arrives horizontally.
fn curve(from: Point, to: Point) -> String {
    let middle = (from.0 + to.0) / 2.0;
    format!("C{middle:.1} {:.1} {middle:.1} {:.1} {:.1} {:.1}", from.1, to.1, to.0, to.1)
}

fn straight(to: Point) -> String {
    format!("L{:.1} {:.1}", to.0, to.1)
}

/// A service, with its own numbers, or a database or a host that sends no telemetry.
fn service(context: &Context, name: &str, known: Option<&ServiceView>, at: Point) -> Markup {
    let (x, y) = (at.0 - WIDTH / 2.0, at.1 - HEIGHT / 2.0);
    let own = known.and_then(|known| known.p95_ms.map(|p95| (known, format::duration(p95 * 1e6))));
    let link = known.map_or_else(|| address("/traces", &[("callee", name)]), |known| known.address());
    html! {
        a href=(link) {
            rect.(context.colour(name)).external[known.is_none()] x=(format!("{x:.1}")) y=(format!("{y:.1}"))
                width=(WIDTH) height=(HEIGHT) rx="6" {}
            text.name.(context.colour(name)) x=(format!("{:.1}", at.0)) y=(format!("{:.1}", at.1 + if own.is_some() { -3.0 } else { 4.0 })) {
                (format::short(name, MAX_NAME))
            }
            @if let Some((known, p95)) = own {
                text x=(format!("{:.1}", at.0)) y=(format!("{:.1}", at.1 + 13.0)) {
                    (format::number(known.per_second)) "/s · p95 " (p95)
                }
            }
            title { (format::short(name, 255)) }
        }
    }
}

/// How often a call happens, and how often it fails.
fn label(context: &Context, line: &Line, call: &Call) -> Markup {
    let lang = context.lang;
    let p95 = format::duration(call.p95_ms * 1e6);
    let title = lang.trf(
        "{caller} calls {callee}: {rate}/s, {errors} of them fail, p95 {p95}",
        &[
            ("caller", &format::short(&call.caller, 60)),
            ("callee", &format::short(&call.callee, 60)),
            ("rate", &format::number(call.per_second)),
            ("errors", &format::percent(call.error_rate)),
            ("p95", &p95),
        ],
    );
    html! {
        a href=(call.traces()) aria-label=(title) {
            text.label x=(format!("{:.1}", line.label.0)) y=(format!("{:.1}", line.label.1 + 4.0)) {
                (format::number(call.per_second)) "/s"
                @if call.errors > 0 { tspan.bad { " " (format::percent(call.error_rate)) } }
            }
            title { (title) }
        }
    }
}
