//! The five functions with the built-in configuration, as simulations and tests start them.

use crate::configuration::{Configuration, Texts};
use contract::event::FunctionName;
use platform::function::{Function, Ports};
use std::sync::Arc;

/// Makes a function of its ports.
pub fn build(name: FunctionName, ports: Ports) -> Result<Arc<dyn Function>, String> {
    Configuration::of(&Texts::default()).map_err(|error| error.to_string())?.build(name, ports)
}
