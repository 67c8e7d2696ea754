//! Medians and percentiles, for the benchmarks: a mean would follow the one slice in which something else ran on the machine.

/// A figure that was measured several times.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Half of the values are below.
    pub median: f64,
    /// A tenth of the values is below.
    pub p10: f64,
    /// Nine tenths of the values are below.
    pub p90: f64,
}

impl Spread {
    /// Of values in any order; of none it is NaN.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self { median: quantile(&values, 0.5), p10: quantile(&values, 0.1), p90: quantile(&values, 0.9) }
    }
}

/// Interpolated between the two neighbours, so that a few values give a sensible figure too.
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = at * last as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}
