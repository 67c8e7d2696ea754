//! Changes of metrics.

use std::sync::Arc;

use otlp::model::{Attributes, Data, HistogramPoint, Metric, Temporality};
use workshop::evidence::Evidence;

use super::values::CHANGES;
use super::{Mutation, Places, runs};

/// The metrics of the step.
const NAMES: [&str; 4] = [
    "http.server.request.duration",
    "http.client.request.duration",
    "db.client.operation.duration",
    "http.server.active_requests",
];

type Change = Box<dyn Fn(&mut Metric) + Send + Sync>;
type PointChange = (&'static str, fn(&mut HistogramPoint));

const POINT_CHANGES: [PointChange; 12] = [
    ("one value more", |point| point.count += 1),
    ("one value less", |point| point.count -= 1),
    ("one value less in the buckets too", |point| {
        point.count -= 1;
        *point.bucket_counts.iter_mut().find(|count| **count > 0).unwrap() -= 1;
    }),
    ("twice as many values", |point| {
        point.count *= 2;
        point.sum = point.sum.map(|sum| sum * 2.0);
        point.bucket_counts.iter_mut().for_each(|count| *count *= 2);
    }),
    ("milliseconds", |point| point.sum = point.sum.map(|sum| sum * 1000.0)),
    ("a thousandth of the time", |point| point.sum = point.sum.map(|sum| sum / 1000.0)),
    ("no time", |point| point.sum = Some(0.0)),
    ("buckets of milliseconds", |point| {
        point.bounds = vec![5.0, 10.0, 25.0];
        point.bucket_counts = vec![point.count, 0, 0, 0];
    }),
    ("one more in a bucket", |point| point.bucket_counts[0] += 1),
    ("all in the last bucket", |point| {
        let last = point.bucket_counts.len() - 1;
        point.bucket_counts.fill(0);
        point.bucket_counts[last] = point.count;
    }),
    ("another least and greatest", |point| {
        (point.min, point.max) = (point.max.map(|max| max + 100.0), Some(0.0))
    }),
    ("an hour before", |point| point.time -= 3_600_000_000_000),
];

pub fn mutations(right: &Evidence) -> Vec<Mutation> {
    let mut mutations = Vec::new();
    for name in NAMES {
        let example = right.errors.telemetry.metrics.iter().rfind(|metric| metric.name == name).unwrap();
        for places in Places::BOTH {
            for (what, change) in changes(example, places) {
                mutations.push(of_each(name, places, &what, change));
            }
        }
        mutations.extend(of_lists(name));
    }
    mutations
}

fn of_each(meant: &'static str, places: Places, name: &str, change: Change) -> Mutation {
    Mutation {
        description: places.describe(&format!("metric {meant}"), name),
        change: Box::new(move |evidence| {
            for run in runs(evidence) {
                run.telemetry.metrics.iter_mut().filter(|metric| metric.name == meant).for_each(&change);
            }
        }),
    }
}

fn of_lists(meant: &'static str) -> Vec<Mutation> {
    let mutation = |name: &str, change: fn(&mut Vec<Metric>, &Metric)| Mutation {
        description: format!("metric {meant}: {name}"),
        change: Box::new(move |evidence| {
            for run in runs(evidence) {
                let metrics = &mut run.telemetry.metrics;
                let found = metrics.iter().rfind(|metric| metric.name == meant).unwrap().clone();
                change(metrics, &found);
            }
        }),
    };
    vec![
        mutation("not sent", |metrics, found| metrics.retain(|metric| metric.name != found.name)),
        mutation("of two scopes", |metrics, found| {
            let mut scope = (*found.scope).clone();
            scope.name.push('x');
            metrics.push(Metric { scope: Arc::new(scope), ..found.clone() });
        }),
        mutation("of two readers", |metrics, found| {
            let mut other = found.clone();
            match &mut other.data {
                Data::Histogram { points, .. } => points.iter_mut().for_each(|point| point.start += 1_000),
                Data::Sum { points, .. } => points.iter_mut().for_each(|point| point.start += 1_000),
                other => panic!("{other:?}"),
            }
            metrics.push(other);
        }),
    ]
}

fn changes(example: &Metric, places: Places) -> Vec<(String, Change)> {
    let mut changes: Vec<(String, Change)> = Vec::new();
    if places == Places::All {
        changes.extend([
            ("another name".to_owned(), Box::new(|metric: &mut Metric| metric.name.push('x')) as Change),
            ("another unit".to_owned(), Box::new(|metric| metric.unit = "ms".to_owned())),
            (
                "no scope".to_owned(),
                Box::new(|metric| {
                    let mut scope = (*metric.scope).clone();
                    scope.name.clear();
                    metric.scope = Arc::new(scope);
                }),
            ),
            (
                "no temporality".to_owned(),
                Box::new(|metric| match &mut metric.data {
                    Data::Histogram { temporality, .. } | Data::Sum { temporality, .. } => {
                        *temporality = Temporality::Unspecified
                    }
                    other => panic!("{other:?}"),
                }),
            ),
            ("a gauge".to_owned(), Box::new(|metric| metric.data = Data::Gauge(Vec::new()))),
            (
                "no points".to_owned(),
                Box::new(|metric| match &mut metric.data {
                    Data::Histogram { points, .. } => points.clear(),
                    Data::Sum { points, .. } => points.clear(),
                    other => panic!("{other:?}"),
                }),
            ),
            (
                "monotonic".to_owned(),
                Box::new(|metric| match &mut metric.data {
                    Data::Sum { monotonic, .. } => *monotonic = true,
                    data => {
                        *data = Data::Sum {
                            monotonic: true,
                            temporality: Temporality::Cumulative,
                            points: Vec::new(),
                        }
                    }
                }),
            ),
        ]);
        for key in ["service.name", "service.version", "deployment.environment.name"] {
            for (name, change) in CHANGES {
                changes.push((
                    format!("{name} {key} of the resource"),
                    Box::new(move |metric| {
                        let mut resource = (*metric.resource).clone();
                        change(&mut resource, key);
                        metric.resource = Arc::new(resource);
                    }),
                ));
            }
        }
    }
    let keys = match &example.data {
        Data::Histogram { points, .. } => {
            points.iter().flat_map(|point| point.attributes.iter()).collect::<Vec<_>>()
        }
        Data::Sum { points, .. } => points.iter().flat_map(|point| point.attributes.iter()).collect(),
        other => panic!("{other:?}"),
    };
    let mut keys: Vec<String> = keys.into_iter().map(|(key, _)| key.to_owned()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        for (name, change) in CHANGES {
            let key = key.clone();
            changes.push((
                format!("{name} {key}"),
                Box::new(move |metric| {
                    each_set(
                        metric,
                        places,
                        |attributes| attributes.get(&key).is_some(),
                        |attributes| change(attributes, &key),
                    );
                }),
            ));
        }
    }
    changes.push((
        "the trace id as an attribute".to_owned(),
        Box::new(move |metric| {
            each_set(
                metric,
                places,
                |_| true,
                |attributes| attributes.set("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736".into()),
            );
        }),
    ));
    match &example.data {
        Data::Histogram { .. } => {
            for (name, change) in POINT_CHANGES {
                changes.push((
                    name.to_owned(),
                    Box::new(move |metric| match &mut metric.data {
                        Data::Histogram { points, .. } => places.change(points.iter_mut(), |_| true, change),
                        other => panic!("{other:?}"),
                    }),
                ));
            }
            changes.push((
                "a point less".to_owned(),
                Box::new(move |metric| match &mut metric.data {
                    Data::Histogram { points, .. } => drop(points.pop()),
                    other => panic!("{other:?}"),
                }),
            ));
        }
        _ => changes.push((
            "one that stays active".to_owned(),
            Box::new(move |metric| match &mut metric.data {
                Data::Sum { points, .. } => {
                    places.change(points.iter_mut(), |_| true, |point| point.value += 1.0)
                }
                other => panic!("{other:?}"),
            }),
        )),
    }
    changes
}

fn each_set(
    metric: &mut Metric,
    places: Places,
    is_meant: impl Fn(&Attributes) -> bool,
    change: impl Fn(&mut Attributes),
) {
    match &mut metric.data {
        Data::Histogram { points, .. } => {
            places.change(
                points.iter_mut(),
                |point| is_meant(&point.attributes),
                |point| change(&mut point.attributes),
            );
        }
        Data::Sum { points, .. } => {
            places.change(
                points.iter_mut(),
                |point| is_meant(&point.attributes),
                |point| change(&mut point.attributes),
            );
        }
        other => panic!("{other:?}"),
    }
}
