//! The counts as metrics, with their names in the registry:
//! <https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_semantic_conventions::attribute;

use super::counts::ItemCounts;
use super::{Delivery, EXPORT_FAILED, QUEUE_FULL, State};
use crate::settings::{Protocol, SignalSettings};

/// The names and units of one signal.
struct Signal {
    item: &'static str,
    unit: &'static str,
    processor: &'static str,
    counts: fn(&State) -> &ItemCounts,
}

const SIGNALS: [Signal; 2] = [
    Signal {
        item: "span",
        unit: "{span}",
        processor: "batching_span_processor",
        counts: |state| &state.spans,
    },
    Signal {
        item: "log",
        unit: "{log_record}",
        processor: "batching_log_processor",
        counts: |state| &state.log_records,
    },
];

pub(super) fn report(delivery: &Delivery, provider: &SdkMeterProvider) {
    let meter = provider.meter_with_scope(crate::scope());
    let settings = &delivery.0.settings;
    for (signal, transport) in SIGNALS.iter().zip([&settings.traces, &settings.logs]) {
        processed(&meter, delivery, signal);
        exported(&meter, delivery, signal, transport);
    }
}

/// `otel.sdk.processor.{span,log}.processed`, also with `error.type=queue_full`. The SDK's processors count
/// the items that did not fail themselves.
fn processed(meter: &Meter, delivery: &Delivery, signal: &Signal) {
    let component = KeyValue::new(attribute::OTEL_COMPONENT_TYPE, signal.processor);
    let failure = [component.clone(), KeyValue::new(attribute::ERROR_TYPE, QUEUE_FULL)];
    let (delivery, counts) = (delivery.clone(), signal.counts);
    meter
        .u64_observable_counter(format!("otel.sdk.processor.{}.processed", signal.item))
        .with_unit(signal.unit)
        .with_callback(move |counter| {
            let counts = counts(&delivery.0);
            if let Some(processed) = counts.processed() {
                counter.observe(processed, std::slice::from_ref(&component));
            }
            counter.observe(counts.queue_full(), &failure);
        })
        .build();
}

/// `otel.sdk.exporter.{span,log}.exported`.
fn exported(meter: &Meter, delivery: &Delivery, signal: &Signal, transport: &SignalSettings) {
    let protocol = match transport.protocol {
        Protocol::HttpProtobuf => "http",
        Protocol::Grpc => "grpc",
    };
    let component = format!("otlp_{protocol}_{}_exporter", signal.item);
    let component = KeyValue::new(attribute::OTEL_COMPONENT_TYPE, component);
    let failure = [component.clone(), KeyValue::new(attribute::ERROR_TYPE, EXPORT_FAILED)];
    let (delivery, counts) = (delivery.clone(), signal.counts);
    meter
        .u64_observable_counter(format!("otel.sdk.exporter.{}.exported", signal.item))
        .with_unit(signal.unit)
        .with_callback(move |counter| {
            let counts = counts(&delivery.0);
            counter.observe(counts.exported(), std::slice::from_ref(&component));
            counter.observe(counts.failed(), &failure);
        })
        .build();
}
