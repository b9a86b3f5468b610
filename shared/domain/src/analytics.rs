//! What series tell: where they go, what season they have, what is unusual in them, what goes with what.
//!
//! Pure statistics over plain numbers. Floating point stays inside; what comes out is rounded to twelve digits, so that it
//! is the same wherever it is computed. What is not known is said to be insufficient, never guessed. Nothing panics on any
//! input: what is not a finite number counts as missing.

pub mod anomaly;
pub mod change_point;
pub mod correlation;
pub mod forecast;
mod numeric;
pub mod season;
pub mod trend;
pub mod watch;
