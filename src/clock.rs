//! Time and randomness are injected, so that tests and reports are reproducible.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, SeedableRng};
use uuid::Uuid;

/// The source of time and randomness of one [`crate::app::App`].
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Fixed(Arc<Mutex<(DateTime<Utc>, rand_chacha::ChaCha20Rng)>>),
}

impl Clock {
    /// The machine's clock and the operating system's randomness.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock for tests that stands at `at` until [`Clock::advance`], with seeded randomness.
    pub fn fixed(at: DateTime<Utc>, seed: u64) -> Self {
        Self(Source::Fixed(Arc::new(Mutex::new((at, rand_chacha::ChaCha20Rng::seed_from_u64(seed))))))
    }

    /// Now, in UTC, to the microsecond (what both databases keep).
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            Source::System => Utc::now(),
            Source::Fixed(state) => state.lock().unwrap_or_else(|e| e.into_inner()).0,
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Moves a fixed clock forward; does nothing on the system's clock.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Fixed(state) = &self.0 {
            state.lock().unwrap_or_else(|e| e.into_inner()).0 += by;
        }
    }

    /// `N` random bytes fit for secrets.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0 {
            Source::System => rand::rng().fill_bytes(&mut bytes),
            Source::Fixed(state) => state.lock().unwrap_or_else(|e| e.into_inner()).1.fill_bytes(&mut bytes),
        }
        bytes
    }

    /// A new UUIDv7 for [`Clock::now`].
    pub fn id(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random::<10>()).into_uuid()
    }
}
