//! What an error of an AWS client means: whether the service was reached, and whether a repeat may help.

use crate::lambda::delivery::CallError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// What an error of an AWS client means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The service was not reached, did not answer in time or failed inside.
    Unavailable,
    /// Too many requests.
    Throttled,
    /// The service answered and said no.
    Refused,
}

/// Classifies an error.
pub fn meaning<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Meaning {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Meaning::Unavailable,
        SdkError::ServiceError(context) => match context.err().code() {
            Some(
                "ThrottlingException"
                | "Throttling"
                | "ThrottledException"
                | "RequestThrottled"
                | "TooManyRequestsException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "LimitExceededException",
            ) => Meaning::Throttled,
            _ if context.raw().status().is_server_error() => Meaning::Unavailable,
            _ => Meaning::Refused,
        },
        _ => Meaning::Refused,
    }
}

/// The error with all its causes, in one line.
pub fn text<E: Error + 'static>(error: &SdkError<E, HttpResponse>) -> String {
    DisplayErrorContext(error).to_string()
}

/// An error of a call that sends parcels.
pub fn of_call<E: ProvideErrorMetadata + Error + Send + Sync + 'static>(error: SdkError<E, HttpResponse>) -> CallError {
    match meaning(&error) {
        Meaning::Unavailable => CallError::Unavailable(Box::new(error)),
        Meaning::Throttled | Meaning::Refused => CallError::Refused(text(&error)),
    }
}
