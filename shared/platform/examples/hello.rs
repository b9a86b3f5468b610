//! The smallest program on Lambda's Rust runtime: the yardstick for how fast the functions start.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

fn main() -> Result<(), lambda_runtime::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let echo = |event: LambdaEvent<Value>| async move { Ok::<Value, lambda_runtime::Error>(event.payload) };
    runtime.block_on(lambda_runtime::run(service_fn(echo)))
}
