//! Time and randomness are injected, so that tests and reports are reproducible.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rand::{Rng, SeedableRng};
use uuid::Uuid;

/// The source of time and randomness of one [`crate::app::App`].
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Shifted(Arc<Mutex<TimeDelta>>),
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

    /// The machine's clock, shifted to stand at `at` now: the demo's days stay those of its samples.
    pub fn starting_at(at: DateTime<Utc>) -> Self {
        let shift = at - Self::system().now();
        Self(Source::Shifted(Arc::new(Mutex::new(shift))))
    }

    /// Now, in UTC, to the microsecond (what both databases keep).
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            Source::System => Utc::now(),
            Source::Shifted(shift) => Utc::now() + *shift.lock().unwrap_or_else(|e| e.into_inner()),
            Source::Fixed(state) => state.lock().unwrap_or_else(|e| e.into_inner()).0,
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// The time that other machines have too, for what is agreed with them (the codes of a device, the tokens of a provider): that of the
    /// machine, even where the demo's is shifted.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn shared(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::Shifted(_) => Utc::now(),
            Source::System | Source::Fixed(_) => self.now(),
        }
    }

    /// Today in Paris: the day that deadlines and periods mean.
    pub fn today(&self) -> NaiveDate {
        self.now().with_timezone(&chrono_tz::Europe::Paris).date_naive()
    }

    /// Moves a fixed or a shifted clock forward; does nothing on the system's clock.
    pub fn advance(&self, by: TimeDelta) {
        match &self.0 {
            Source::System => {}
            Source::Shifted(shift) => *shift.lock().unwrap_or_else(|e| e.into_inner()) += by,
            Source::Fixed(state) => state.lock().unwrap_or_else(|e| e.into_inner()).0 += by,
        }
    }

    /// `N` random bytes fit for secrets.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0 {
            Source::System | Source::Shifted(_) => rand::rng().fill_bytes(&mut bytes),
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
