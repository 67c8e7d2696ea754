//! opentelemetry-instrumentation-process: metrics of this process. It reads `/proc`, so on macOS it records
//! nothing.

use crate::faults::{Faults, modules};
use crate::telemetry::Telemetry;

const SCOPE: &str = "opentelemetry-instrumentation-process";

/// The instruments, and the instruments that the registry of the conventions defines.
const INSTRUMENTS: [(&str, &str, &str); 7] = [
    ("process.cpu.time", "counter", "s"),
    ("process.disk.io", "counter", "By"),
    ("process.memory.usage", "updowncounter", "By"),
    ("process.memory.virtual", "updowncounter", "By"),
    ("process.thread.count", "updowncounter", "{thread}"),
    ("process.unix.file_descriptor.count", "updowncounter", "{file_descriptor}"),
    ("process.context_switches", "counter", "{context_switch}"),
];

#[test]
#[cfg(target_os = "linux")]
fn instrumentation_process_has_right_names_and_units_and_five_wrong_instruments() {
    let telemetry = Telemetry::global();
    opentelemetry_instrumentation_process::init().expect("/proc is there");

    let metric = |name| telemetry.metric(SCOPE, name).unwrap_or_else(|| panic!("expected a metric {name}"));
    let right = |name, instrument| metric(name).instrument == instrument;
    for (name, _, unit) in INSTRUMENTS {
        assert_eq!(metric(name).unit, unit, "unit of {name}");
    }
    for (name, instrument, _) in &INSTRUMENTS[..2] {
        assert!(right(name, *instrument), "expected a {instrument}, got {:?}", metric(name));
    }
    for (name, attribute, values) in [
        ("process.cpu.time", "cpu.mode", ["user", "system"]),
        ("process.disk.io", "disk.io.direction", ["read", "write"]),
        ("process.context_switches", "process.context_switch.type", ["voluntary", "involuntary"]),
    ] {
        let metric = metric(name);
        for value in values {
            assert!(
                metric.series(attribute, value).is_some(),
                "expected {attribute}={value}, got {metric:?}"
            );
        }
    }

    Faults::found_in("opentelemetry-instrumentation-process 0.3", modules::METRIC_VIEWS)
        .gone_if("counts `process.memory.usage` up and down", right("process.memory.usage", "updowncounter"))
        .gone_if(
            "counts `process.memory.virtual` up and down",
            right("process.memory.virtual", "updowncounter"),
        )
        .gone_if("counts `process.thread.count` up and down", right("process.thread.count", "updowncounter"))
        .gone_if("counts `process.unix.file_descriptor.count` up and down", {
            right("process.unix.file_descriptor.count", "updowncounter")
        })
        .gone_if("counts `process.context_switches` up", right("process.context_switches", "counter"))
        .assert_all_remain();
}
