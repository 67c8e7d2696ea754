//! Instruments that are bound to the attributes with which they record again and again.

use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use fnv::FnvHashMap;

/// Values that have an instrument of their own. Others are bound for one measurement, which costs more, and lose nothing.
const MAX_BOUND: usize = 256;

/// Instruments by what their attributes are made of. The SDK finds the series of an unbound measurement by hashing all its
/// attributes, which takes several thousand instructions; a short key takes some hundred. FNV is faster for short keys than
/// the hash of the standard library; that keys can be made to collide is harmless in a map of this size.
pub(crate) struct Bound<K, I>(RwLock<FnvHashMap<K, I>>);

impl<K, I> Default for Bound<K, I> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, I> Bound<K, I> {
    /// Records with the instrument of `key`. `bind` makes it, the first time: a series begins with its first measurement.
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
