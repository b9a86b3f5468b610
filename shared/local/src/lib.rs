//! (being written)
pub mod wiring;
