//! The five functions, as the host starts them.

use contract::event::FunctionName;
use platform::function::{Function, Ports};
use std::sync::Arc;

/// Makes a function of its ports.
pub fn build(name: FunctionName, ports: Ports) -> Result<Arc<dyn Function>, String> {
    fn started<F: Function + 'static>(
        function: Result<F, impl std::fmt::Display>,
    ) -> Result<Arc<dyn Function>, String> {
        function.map(|function| Arc::new(function) as Arc<dyn Function>).map_err(|error| error.to_string())
    }
    match name {
        FunctionName::Ingest => Ok(Arc::new(ingest::Ingest::new(ports))),
        FunctionName::Score => started(score::Score::new(ports)),
        FunctionName::Trigger => started(trigger::Trigger::new(ports)),
        FunctionName::Escalate => started(escalate::Escalate::new(ports)),
        FunctionName::Report => Ok(Arc::new(report::Report::new(ports))),
    }
}
