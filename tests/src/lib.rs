//! What the tests that cross functions share: for now LocalStack on this machine.

pub mod bootstrap;
pub mod localstack;

/// Whether the tests that start programs and LocalStack were asked for with `CS_OPS_LOCALSTACK=1`. Says so where not.
#[expect(clippy::print_stderr, clippy::disallowed_methods, reason = "a test that is skipped says so")]
pub fn localstack_is_asked_for() -> bool {
    let asked = std::env::var("CS_OPS_LOCALSTACK").is_ok_and(|value| value == "1");
    if !asked {
        eprintln!("SKIPPED: set CS_OPS_LOCALSTACK=1 to run this against LocalStack and the built programs");
    }
    asked
}
