//! Instruments that are bound to the attributes of repeated measurements.

use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use fnv::FnvHashMap;

/// Maximum number of attribute sets with a bound instrument. Measurements with others are recorded all the
/// same, at a higher cost.
const MAX_BOUND: usize = 256;

/// Bound instruments by a short key of their attributes. For an unbound measurement, the SDK finds the series
/// by hashing all attributes, which takes several thousand instructions; hashing a short key takes a few
/// hundred. FNV is faster for short keys than the default hash of the standard library. Its collisions are
/// harmless in a map of this size.
pub(crate) struct Bound<K, I>(RwLock<FnvHashMap<K, I>>);

impl<K, I> Default for Bound<K, I> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, I> Bound<K, I> {
    /// Records with the instrument of `key`. `bind` creates it at the first measurement, because a bound
    /// instrument starts a series.
    pub(crate) fn record(&self, key: K, bind: impl FnOnce() -> I, record: impl FnOnce(&I)) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(instrument) = known.get(&key) {
            return record(instrument);
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_BOUND || known.contains_key(&key) {
            record(known.entry(key).or_insert_with(bind));
        } else {
            drop(known);
            record(&bind());
        }
    }
}
