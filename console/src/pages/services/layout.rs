//! The places of services on a map of calls: in layers, so that calls lead from left to right, except those
//! that close a circle. See Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical
//! System Structures", 1981.

use std::iter;

use super::layers::{Item, Layers, layers};

/// Size of a service, and distances, in pixels.
pub(super) const WIDTH: f64 = 130.0;
pub(super) const HEIGHT: f64 = 44.0;
const GAP_X: f64 = 118.0;
/// Height of a line that passes a layer.
const LANE: f64 = 10.0;
/// Height of the line of a service that calls itself.
pub(super) const LOOP: f64 = 34.0;
/// Maximum distance of two lines at the side of a service.
const PORT: f64 = 14.0;
/// Distance of two labels.
const LABEL: f64 = 15.0;
pub(super) const MARGIN: f64 = 4.0;
/// The part of the last gap at which the label is: behind its middle, where lines often cross.
const LABEL_PART: f64 = 0.6;

/// A point.
pub(super) type Point = (f64, f64);

/// A map.
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The centre of each service.
    pub(super) services: Vec<Point>,
    pub(super) lines: Vec<Line>,
}

/// The line of a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// From the caller to the called service: a curve through a gap between two layers, a straight line
    /// through a layer, and so on. Empty if a service calls itself.
    pub(super) points: Vec<Point>,
    /// The middle of the label.
    pub(super) label: Point,
}

/// Places services. Calls are pairs of caller and called service.
pub(super) fn layout(services: usize, calls: &[(usize, usize)]) -> Layout {
    let layer = layers(services, calls);
    let is_self = |call: &&(usize, usize)| call.0 == call.1;
    let mut items: Vec<Item> = (0..services)
        .map(|service| {
            let calls_itself = calls.iter().filter(is_self).any(|call| call.0 == service);
            let height = HEIGHT + if calls_itself { LOOP } else { 0.0 };
            Item { layer: layer[service], height, y: 0.0 }
        })
        .collect();
    // The items of each line, from left to right.
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for (caller, callee) in calls {
        let (left, right) =
            if layer[*caller] <= layer[*callee] { (*caller, *callee) } else { (*callee, *caller) };
        let mut chain = vec![left];
        for layer in layer[left] + 1..layer[right] {
            chain.push(items.len());
            items.push(Item { layer, height: LANE, y: 0.0 });
        }
        chain.push(right);
        chains.push(chain);
    }
    let segments = chains.iter().flat_map(|chain| chain.windows(2).map(|two| (two[0], two[1])));
    let segments = segments.filter(|(left, right)| left != right).collect();
    let mut layers = Layers::new(items, segments);
    layers.reduce_crossings();
    layers.place();
    let items = layers.items;
    let services: Vec<Point> = items[..services]
        .iter()
        .map(|item| (x(item.layer) + WIDTH / 2.0, item.y + (item.height - HEIGHT) / 2.0))
        .collect();
    let mut lines = lines(calls, &chains, &items, &services);
    separate_labels(&mut lines, calls, &layer);
    let bottom = items.iter().map(|item| item.y + item.height / 2.0);
    let lowest = bottom.chain(lines.iter().map(|line| line.label.1 + LABEL / 2.0)).fold(0.0, f64::max);
    let last = layer.iter().max().copied().unwrap_or_default();
    Layout { width: x(last) + WIDTH + MARGIN, height: lowest + MARGIN, services, lines }
}

/// The left side of a layer.
fn x(layer: usize) -> f64 {
    MARGIN + layer as f64 * (WIDTH + GAP_X)
}

/// The lines from caller to called service, and the middle of their labels.
fn lines(calls: &[(usize, usize)], chains: &[Vec<usize>], items: &[Item], services: &[Point]) -> Vec<Line> {
    let middle = |item: usize| services.get(item).map_or(items[item].y, |service| service.1);
    // The ends of lines at each side of each service, sorted by where the lines come from.
    let mut sides: Vec<[Vec<(f64, usize)>; 2]> = vec![Default::default(); services.len()];
    for (line, chain) in chains.iter().enumerate().filter(|(line, _)| calls[*line].0 != calls[*line].1) {
        if let ([left, second, ..], [.., before, right]) = (&chain[..], &chain[..]) {
            sides[*left][1].push((middle(*second), line));
            sides[*right][0].push((middle(*before), line));
        }
    }
    for side in sides.iter_mut().flatten() {
        side.sort_by(|one, other| one.0.total_cmp(&other.0));
    }
    let port = |service: usize, side: usize, line: usize| {
        let ends = &sides[service][side];
        let at = ends.iter().position(|end| end.1 == line).unwrap_or_default();
        let step = PORT.min((HEIGHT - 12.0) / ends.len().max(1) as f64);
        services[service].1 + (at as f64 - (ends.len().max(1) - 1) as f64 / 2.0) * step
    };
    iter::zip(calls, chains)
        .enumerate()
        .map(|(line, ((caller, callee), chain))| {
            let (Some(left), Some(right)) = (chain.first(), chain.last()) else { return Line::default() };
            if caller == callee {
                let (x, y) = services[*caller];
                return Line { points: Vec::new(), label: (x, y - HEIGHT / 2.0 - LOOP + 8.0) };
            }
            let mut points = vec![(x(items[*left].layer) + WIDTH, port(*left, 1, line))];
            for item in &chain[1..chain.len() - 1] {
                let (x, y) = (x(items[*item].layer), items[*item].y);
                points.extend([(x, y), (x + WIDTH, y)]);
            }
            points.push((x(items[*right].layer), port(*right, 0, line)));
            if caller == right {
                points.reverse();
            }
            let label = match points[..] {
                [.., (from_x, from_y), (to_x, to_y)] => {
                    // The place on the curve of `map::curve`.
                    let part = |from: f64, to: f64, share: f64| from + (to - from) * share;
                    let t = LABEL_PART;
                    let along = 1.5 * (1.0 - t) * t + t.powi(3);
                    let across = (3.0 - 2.0 * t) * t * t;
                    (part(from_x, to_x, along), part(from_y, to_y, across))
                }
                _ => (0.0, 0.0),
            };
            Line { points, label }
        })
        .collect()
}

/// Moves labels down that would cover others in the same gap.
fn separate_labels(lines: &mut [Line], calls: &[(usize, usize)], layer: &[usize]) {
    // The gap after a layer in which the label is; those of a service that calls itself are in no gap.
    let gap = |line: usize| {
        let (caller, callee) = calls[line];
        let (from, to) = (layer[caller], layer[callee]);
        (caller != callee).then(|| if from < to { to - 1 } else { to })
    };
    let mut order: Vec<usize> = (0..lines.len()).filter(|line| gap(*line).is_some()).collect();
    order.sort_by(|one, other| {
        gap(*one).cmp(&gap(*other)).then(lines[*one].label.1.total_cmp(&lines[*other].label.1))
    });
    for two in 1..order.len() {
        let (above, below) = (order[two - 1], order[two]);
        if gap(above) == gap(below) {
            lines[below].label.1 = lines[below].label.1.max(lines[above].label.1 + LABEL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HEIGHT, LABEL, Layout, WIDTH, layout};

    /// Pairs of services that overlap.
    fn overlaps(layout: &Layout) -> Vec<(usize, usize)> {
        let services = &layout.services;
        let pairs = (0..services.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        pairs
            .filter(|(one, other)| {
                let (one, other) = (services[*one], services[*other]);
                (one.0 - other.0).abs() < WIDTH && (one.1 - other.1).abs() < HEIGHT
            })
            .collect()
    }

    fn assert_readable(services: usize, calls: &[(usize, usize)]) -> Layout {
        let layout = layout(services, calls);
        let overlaps = overlaps(&layout);
        assert!(overlaps.is_empty(), "{overlaps:?}: {calls:?}");
        let points = layout.lines.iter().flat_map(|line| line.points.iter().chain([&line.label]));
        for (x, y) in points.chain(&layout.services) {
            let is_inside = (0.0..=layout.width).contains(x) && (0.0..=layout.height).contains(y);
            assert!(is_inside, "({x}, {y}) of {} x {}: {calls:?}", layout.width, layout.height);
        }
        for (at, one) in layout.lines.iter().enumerate() {
            for other in &layout.lines[..at] {
                let (dx, dy) = (one.label.0 - other.label.0, one.label.1 - other.label.1);
                assert!(dx.abs() > 40.0 || dy.abs() > LABEL - 0.1, "labels overlap: {calls:?}");
            }
        }
        layout
    }

    #[test]
    fn calls_that_close_a_circle_lead_back() {
        let layout = assert_readable(3, &[(0, 1), (1, 2), (2, 0), (1, 1)]);
        let back = &layout.lines[2].points;
        assert!(back.first() > back.last(), "from right to left: {back:?}");
        assert!(layout.lines[3].points.is_empty());
    }

    #[test]
    fn lines_do_not_cross_if_another_order_avoids_it() {
        let layout = assert_readable(6, &[(0, 4), (1, 5), (0, 2), (1, 3), (2, 4), (3, 5)]);
        let y = |service: usize| layout.services[service].1;
        assert_eq!(y(0) < y(1), y(2) < y(3));
        assert_eq!(y(2) < y(3), y(4) < y(5));
    }

    #[test]
    fn services_and_labels_do_not_overlap_with_up_to_20_services() {
        for services in 2..=20 {
            for step in 1..5 {
                // Every service calls several others, some of them in circles.
                let calls: Vec<(usize, usize)> = (0..services)
                    .flat_map(|from| [(from, (from + step) % services), (from, from * step % services)])
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .collect();
                assert_readable(services, &calls);
            }
        }
    }
}
