//! The layer of each service on a map of calls, and the order within the layers.

use std::iter;

use super::layout::MARGIN;

/// Vertical distance of two items.
const GAP_Y: f64 = 20.0;
/// How often the order of all layers is improved.
const SWEEPS: usize = 6;

/// Something that has a place in a layer: a service, or a line that passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) layer: usize,
    pub(super) height: f64,
    /// The vertical middle.
    pub(super) y: f64,
}

/// The layers of a map, with the items of each in their order, and the lines between items.
pub(super) struct Layers {
    pub(super) items: Vec<Item>,
    layers: Vec<Vec<usize>>,
    /// Pairs of items in consecutive layers.
    segments: Vec<(usize, usize)>,
}

/// The layer of each service: one more than the highest of its callers. Calls that close a circle are ignored
/// in this.
pub(super) fn layers(services: usize, calls: &[(usize, usize)]) -> Vec<usize> {
    let mut forward: Vec<(usize, usize)> = Vec::new();
    let mut search = Search { calls, state: vec![State::New; services], forward: &mut forward };
    let is_called = |service: usize| calls.iter().any(|call| call.1 == service && call.0 != service);
    let (first, rest): (Vec<usize>, Vec<usize>) = (0..services).partition(|service| !is_called(*service));
    for service in first.iter().chain(&rest) {
        search.visit(*service);
    }
    let mut layer = vec![0; services];
    for _ in 0..services {
        for (from, to) in &forward {
            layer[*to] = layer[*to].max(layer[*from] + 1);
        }
    }
    // A service that nobody calls is next to those that it calls.
    for service in first {
        let nearest = forward.iter().filter(|(from, _)| *from == service).map(|(_, to)| layer[*to]).min();
        layer[service] = nearest.map_or(0, |nearest| nearest - 1);
    }
    layer
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// A search in depth, which finds the calls that close a circle.
struct Search<'a> {
    calls: &'a [(usize, usize)],
    state: Vec<State>,
    /// All calls, those that close a circle in the opposite direction.
    forward: &'a mut Vec<(usize, usize)>,
}

impl Search<'_> {
    fn visit(&mut self, service: usize) {
        if self.state[service] != State::New {
            return;
        }
        self.state[service] = State::Open;
        for (caller, callee) in self.calls.iter().filter(|call| call.0 == service && call.1 != service) {
            let closes_circle = self.state[*callee] == State::Open;
            self.forward.push(if closes_circle { (*callee, *caller) } else { (*caller, *callee) });
            self.visit(*callee);
        }
        self.state[service] = State::Done;
    }
}

impl Layers {
    pub(super) fn new(items: Vec<Item>, segments: Vec<(usize, usize)>) -> Self {
        let count = items.iter().map(|item| item.layer + 1).max().unwrap_or_default();
        let mut layers = vec![Vec::new(); count];
        for (at, item) in items.iter().enumerate() {
            layers[item.layer].push(at);
        }
        Self { items, layers, segments }
    }

    /// The items to which an item has lines, on its left or on its right side.
    fn neighbours(&self, item: usize, on_left: bool) -> impl Iterator<Item = usize> {
        self.segments.iter().filter_map(move |(left, right)| match on_left {
            true => (*right == item).then_some(*left),
            false => (*left == item).then_some(*right),
        })
    }

    /// The position of each item in its layer.
    fn positions(&self) -> Vec<usize> {
        let mut positions = vec![0; self.items.len()];
        for (position, item) in self.layers.iter().flat_map(|layer| layer.iter().enumerate()) {
            positions[*item] = position;
        }
        positions
    }

    /// Puts each item at the mean position of its neighbours, from left to right and back, and keeps the best
    /// order.
    pub(super) fn reduce_crossings(&mut self) {
        let (mut best, mut fewest) = (self.layers.clone(), self.crossings());
        for sweep in 0..SWEEPS {
            let is_forward = sweep % 2 == 0;
            let count = self.layers.len();
            for step in 1..count {
                let layer = if is_forward { step } else { count - 1 - step };
                let positions = self.positions();
                let mean = |item: &usize| {
                    let places: Vec<f64> =
                        self.neighbours(*item, is_forward).map(|other| positions[other] as f64).collect();
                    mean(&places).unwrap_or(positions[*item] as f64)
                };
                let mut order: Vec<(f64, usize)> =
                    self.layers[layer].iter().map(|item| (mean(item), *item)).collect();
                order.sort_by(|one, other| one.0.total_cmp(&other.0));
                self.layers[layer] = order.into_iter().map(|(_, item)| item).collect();
            }
            let crossings = self.crossings();
            if crossings < fewest {
                (best, fewest) = (self.layers.clone(), crossings);
            }
        }
        self.layers = best;
    }

    fn crossings(&self) -> usize {
        let positions = self.positions();
        let mut gaps = vec![Vec::new(); self.layers.len()];
        for (left, right) in &self.segments {
            gaps[self.items[*left].layer].push((positions[*left], positions[*right]));
        }
        let crossings = |gap: &Vec<(usize, usize)>| {
            let after = |at: usize| gap[at + 1..].iter();
            let crosses = |one: &(usize, usize), other: &(usize, usize)| {
                (one.0 < other.0 && one.1 > other.1) || (one.0 > other.0 && one.1 < other.1)
            };
            gap.iter()
                .enumerate()
                .map(|(at, one)| after(at).filter(|other| crosses(one, other)).count())
                .sum::<usize>()
        };
        gaps.iter().map(crossings).sum::<usize>()
    }

    /// Sets the vertical middle of all items: near those of their neighbours.
    pub(super) fn place(&mut self) {
        let count = self.layers.len();
        for layer in 0..count {
            self.place_layer(layer, true);
        }
        for layer in (0..count).rev() {
            self.place_layer(layer, false);
        }
        let top = self.items.iter().map(|item| item.y - item.height / 2.0).fold(f64::INFINITY, f64::min);
        for item in &mut self.items {
            item.y += MARGIN - top;
        }
    }

    fn place_layer(&mut self, layer: usize, on_left: bool) {
        let order = self.layers[layer].clone();
        let wanted: Vec<f64> = order
            .iter()
            .map(|item| {
                let places: Vec<f64> =
                    self.neighbours(*item, on_left).map(|other| self.items[other].y).collect();
                mean(&places).unwrap_or(self.items[*item].y)
            })
            .collect();
        let mut placed: Vec<f64> = Vec::new();
        for (at, item) in order.iter().enumerate() {
            let lowest = at.checked_sub(1).map_or(f64::NEG_INFINITY, |before| {
                let heights = self.items[order[before]].height + self.items[*item].height;
                placed[before] + heights / 2.0 + GAP_Y
            });
            placed.push(wanted[at].max(lowest));
        }
        let moved: Vec<f64> = iter::zip(&wanted, &placed).map(|(wanted, placed)| wanted - placed).collect();
        let shift = mean(&moved).unwrap_or_default();
        for (item, y) in iter::zip(order, placed) {
            self.items[item].y = y + shift;
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::layers;

    #[test]
    fn a_service_is_right_of_its_callers_and_next_to_those_that_it_calls() {
        assert_eq!(layers(4, &[(0, 1), (1, 2), (0, 2), (2, 3)]), [0, 1, 2, 3]);
        assert_eq!(layers(4, &[(0, 1), (1, 2), (3, 2)]), [0, 1, 2, 1], "nobody calls 3");
        assert_eq!(layers(3, &[]), [0, 0, 0]);
    }

    #[test]
    fn calls_that_close_a_circle_are_ignored() {
        assert_eq!(layers(3, &[(0, 1), (1, 2), (2, 0)]), [0, 1, 2]);
        assert_eq!(layers(2, &[(0, 1), (1, 0), (1, 1)]), [0, 1]);
    }
}
