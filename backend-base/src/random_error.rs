//! The error that happens by chance, at a set rate.

use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::config::ErrorRate;
use crate::error::{Error, ErrorKind};

/// Decides for each request whether it fails.
pub struct RandomError {
    rate: f64,
    random: Mutex<Box<dyn Rng + Send>>,
}

impl RandomError {
    /// Fails at `rate`; with a seed, the same requests fail in every run.
    pub fn new(rate: ErrorRate, seed: Option<u64>) -> Self {
        let random = seed.map_or_else(rand::make_rng, StdRng::seed_from_u64);
        Self::with(rate, random)
    }

    /// Fails at `rate`, by the given source of randomness.
    pub fn with(rate: ErrorRate, random: impl Rng + Send + 'static) -> Self {
        Self { rate: rate.get(), random: Mutex::new(Box::new(random)) }
    }

    /// # Errors
    ///
    /// `RandomError`, with the set probability.
    // TODO errors: give it a span, `handson.randomError`, and record the error on it.
    pub fn strike(&self) -> Result<(), Error> {
        if !self.fails() {
            return Ok(());
        }
        let error =
            Error::new(ErrorKind::RandomError, format!("failed at random, at a rate of {}", self.rate));
        Err(error)
    }

    fn fails(&self) -> bool {
        // A panic of the source leaves nothing half done: go on after it.
        let mut random = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        random.random_bool(self.rate)
    }
}
