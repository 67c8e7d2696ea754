//! Random failures at a configured rate.

use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::error::{Error, ErrorKind};

/// Decides for each request whether it fails.
pub struct FaultInjector {
    rate: f64,
    random: Mutex<Box<dyn Rng + Send>>,
}

impl FaultInjector {
    /// Fails at `rate`, from 0 to 1. With a seed, the same requests fail in every run.
    pub fn new(rate: f64, seed: Option<u64>) -> Self {
        let random = seed.map_or_else(rand::make_rng, StdRng::seed_from_u64);
        Self::with_source(rate, random)
    }

    /// Fails at `rate`, with this source of randomness.
    pub fn with_source(rate: f64, random: impl Rng + Send + 'static) -> Self {
        Self { rate, random: Mutex::new(Box::new(random)) }
    }

    /// Fails with the configured probability.
    ///
    /// # Errors
    ///
    /// `RandomError`.
    // TODO errors: give it a span, `handson.randomError`.
    pub fn maybe_fail(&self) -> Result<(), Error> {
        if !self.fails() {
            return Ok(());
        }
        let error =
            Error::new(ErrorKind::RandomError, format!("failed at random, at a rate of {}", self.rate));
        // TODO errors: record the error on the span in which it happened.

        Err(error)
    }

    fn fails(&self) -> bool {
        // After a panic in the source, its state is still usable.
        let mut random = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        random.random_bool(self.rate)
    }
}
