//! (being written)
pub mod wiring;
pub mod sample;
