//! The results of the cycles as tables.

use statistics::Spread;

use super::Contestant;
use crate::{
    Result,
    options::Options,
    report::{self, row},
    sink::Sink,
    variant::SIGNALS,
};

/// The cost of a request for each mix of signals. The first contestant is the one without signals.
pub fn totals(options: &Options, contestants: &[Contestant], sink: &Sink) -> Result<()> {
    let slices = format!("{} cycles of slices of {:?}", options.cycles, options.slice);
    report::heading(&format!("CPU time per request, {slices} in random order"));
    let mut rows = vec![row([
        "",
        "CPU, median",
        "against off",
        "10th to 90th percentile",
        "requests/s",
        "peak memory",
        "OTLP",
    ])];
    for contestant in contestants {
        let ratio = Spread::from_values(
            contestant.paired_with(&contestants[0]).map(|(with, without)| with / without),
        );
        let rate = Spread::from_values(contestant.samples.iter().map(|sample| sample.load.per_second()));
        let bytes: u64 =
            SIGNALS.map(|signal| sink.count(&contestant.variant.name(), signal).bytes).iter().sum();
        let requests: u64 = contestant.samples.iter().map(|sample| sample.load.requests).sum();
        rows.push(vec![
            contestant.variant.name(),
            format!("{:.0} µs", Spread::from_values(contestant.cpu()).median),
            format!("{:.2}", ratio.median),
            format!("{:.2} to {:.2}", ratio.p10, ratio.p90),
            format!("{:.0}", rate.median),
            format!("{:.1} MiB", contestant.service.process.peak_mib()?),
            format!("{:.0} B/request", bytes as f64 / requests as f64),
        ]);
    }
    report::table(&rows);
    Ok(())
}

/// The additional cost of each signal. Metrics and logs are measured in addition to traces, because in
/// practice neither is used alone.
pub fn shares(contestants: &[Contestant]) -> Result<()> {
    let [off, traces, with_metrics, with_logs, all, ..] = contestants else {
        return Err("the list of variants is shorter than the report".into());
    };
    report::heading("What each signal adds");
    let mut rows = vec![row(["", "CPU a request, median", "10th to 90th percentile", "share of off"])];
    for (name, with, without) in [
        ("traces", traces, off),
        ("metrics", with_metrics, traces),
        ("logs", with_logs, traces),
        ("all three", all, off),
    ] {
        let added = Spread::from_values(with.paired_with(without).map(|(with, without)| with - without));
        let share = Spread::from_values(
            with.paired_with(without).zip(off.cpu()).map(|((with, without), off)| (with - without) / off),
        );
        rows.push(vec![
            name.to_owned(),
            format!("{:.0} µs", added.median),
            format!("{:.0} to {:.0} µs", added.p10, added.p90),
            format!("{:.0} %", 100.0 * share.median),
        ]);
    }
    report::table(&rows);
    Ok(())
}
