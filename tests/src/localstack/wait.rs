//! The one place that waits: for something another process does, up to a limit, looking again and again.

use std::fmt;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(200);

/// What was waited for did not happen.
#[derive(thiserror::Error)]
#[error("waited {} s in vain for {what}{details}", limit.as_secs())]
pub struct TimedOut {
    what: String,
    limit: Duration,
    details: String,
}

impl fmt::Debug for TimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl TimedOut {
    /// The same error with more to read, for example the end of a log.
    #[must_use]
    pub fn with(mut self, details: &str) -> TimedOut {
        self.details.push_str("; ");
        self.details.push_str(details);
        self
    }
}

/// Calls `check` until it gives a value, and returns that. `what` completes the sentence "waited in vain for …".
///
/// # Errors
/// The error of `check` at once; [`TimedOut`] when `limit` is over and a last look gave nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "other processes tell no one when they are ready; only this function looks at the clock and pauses"
)]
pub fn wait_until<T, E: From<TimedOut>>(
    limit: Duration,
    what: &str,
    mut check: impl FnMut() -> Result<Option<T>, E>,
) -> Result<T, E> {
    let started = Instant::now();
    loop {
        let over = started.elapsed() >= limit;
        if let Some(value) = check()? {
            return Ok(value);
        }
        if over {
            return Err(TimedOut { what: what.to_owned(), limit, details: String::new() }.into());
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_comes_from_the_first_look_that_gives_one() {
        let mut looks = 0;
        let found: Result<_, TimedOut> = wait_until(Duration::from_secs(60), "the third look", || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(found.unwrap(), 3);
    }

    #[test]
    fn an_error_ends_the_waiting_at_once() {
        #[derive(Debug, PartialEq)]
        struct Broken;
        impl From<TimedOut> for Broken {
            fn from(_: TimedOut) -> Broken {
                unreachable!("the limit is a minute")
            }
        }
        let found = wait_until::<(), _>(Duration::from_secs(60), "nothing", || Err(Broken));
        assert_eq!(found, Err(Broken));
    }

    #[test]
    fn after_the_limit_the_error_names_what_was_waited_for() {
        let found = wait_until::<(), TimedOut>(Duration::ZERO, "a queue", || Ok(None));
        assert_eq!(found.unwrap_err().with("see the log").to_string(), "waited 0 s in vain for a queue; see the log");
    }
}
