//! Refusals by the server and failures of the network, with all that the server said about them.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status, TimeoutExpired};

use crate::decision;
use crate::pb::{self, rpc};

/// One field of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Proto path from the request on (`spec.parameters[2].double_range.max`).
    pub field: String,
    /// What is wrong with it and the way out; for people.
    pub description: String,
}

/// A refusal by the server, or a failure of network or client. Never the training's fault.
#[derive(Clone, Debug)]
pub struct Error(Box<Details>);

#[derive(Clone, Debug, Default)]
struct Details {
    code: Option<Code>,
    reason: String,
    message: String,
    metadata: BTreeMap<String, String>,
    violations: Vec<FieldViolation>,
    retry_delay: Option<Duration>,
}

impl Error {
    /// The gRPC status code; none for an error of this client.
    pub fn code(&self) -> Option<Code> {
        self.0.code
    }

    /// Name of `asha.v1.ErrorReason` without its prefix, or any text of a newer server; empty if
    /// the server gave none.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What is wrong and the way out; for people, may change.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The dynamic parts of the message by stable key.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// All wrong fields of the request.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }

    /// How long the server asks to wait before a retry.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_delay
    }

    /// Whether the same call may be sent again: UNAVAILABLE, DEADLINE_EXCEEDED, and
    /// RESOURCE_EXHAUSTED with a delay.
    pub fn is_retryable(&self) -> bool {
        match self.0.code {
            Some(Code::Unavailable | Code::DeadlineExceeded) => true,
            Some(Code::ResourceExhausted) => self.0.retry_delay.is_some(),
            _ => false,
        }
    }

    /// Whether the attempt is over for this worker: another has the trial, or it has ended.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.reason(), "LEASE_LOST" | "TRIAL_ENDED")
    }

    /// An error that this client makes in place of the server's answer.
    pub(crate) fn with_code(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Details { code: Some(code), message: message.into(), ..Details::default() }))
    }

    /// An error of this client alone.
    pub(crate) fn with_reason(reason: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            reason: reason.into(),
            message: message.into(),
            ..Details::default()
        }))
    }
}

impl Error {
    /// What a request of a session meets whose stream ended this way: it is to be sent again.
    pub(crate) fn as_broken_session(&self) -> Self {
        let message = format!("the session broke before it was answered: {}", self.message());
        Self(Box::new(Details { code: Some(Code::Unavailable), message, ..(*self.0).clone() }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { code, reason, message, violations, .. } = &*self.0;
        formatter.write_str(message)?;
        match code {
            Some(code) if reason.is_empty() => write!(formatter, " [{code:?}]")?,
            Some(code) => write!(formatter, " [{code:?}/{reason}]")?,
            None => write!(formatter, " [{reason}]")?,
        }
        for FieldViolation { field, description } in violations {
            write!(formatter, "\n  {field}: {description}")?;
        }
        Ok(())
    }
}

impl StdError for Error {}

impl From<Status> for Error {
    /// Decodes `grpc-status-details-bin`. Details that are missing or unreadable (a proxy answered,
    /// not our server) leave reason and metadata empty.
    fn from(status: Status) -> Self {
        let (code, message) = match status.source() {
            None => (status.code(), status.message().into()),
            Some(source) => no_answer(source),
        };
        let mut details = Details { code: Some(code), message, ..Details::default() };
        let rich = rpc::Status::decode(status.details()).unwrap_or_default();
        for any in rich.details {
            let data = any.value.as_slice();
            match any.type_url.rsplit('/').next() {
                Some("google.rpc.ErrorInfo") => {
                    let info = rpc::ErrorInfo::decode(data).unwrap_or_default();
                    details.reason = info.reason;
                    details.metadata = info.metadata.into_iter().collect();
                }
                Some("google.rpc.BadRequest") => {
                    let bad = rpc::BadRequest::decode(data).unwrap_or_default();
                    details.violations = bad
                        .field_violations
                        .into_iter()
                        .map(|v| FieldViolation { field: v.field, description: v.description })
                        .collect();
                }
                Some("google.rpc.RetryInfo") => {
                    let retry = rpc::RetryInfo::decode(data).unwrap_or_default();
                    details.retry_delay = retry.retry_delay.and_then(|d| d.try_into().ok());
                }
                _ => {}
            }
        }
        Self(Box::new(details))
    }
}

impl From<pb::SessionError> for Error {
    /// The refusal of a request on a session, which goes on; the very same as of a unary call.
    fn from(refusal: pb::SessionError) -> Self {
        let reason = match refusal.reason() {
            pb::ErrorReason::Unspecified if refusal.reason == 0 => String::new(),
            _ => decision::name(refusal.reason, "ERROR_REASON_", pb::ErrorReason::as_str_name),
        };
        Self(Box::new(Details {
            code: Some(refusal.code.into()),
            reason,
            message: refusal.message,
            metadata: refusal.metadata.into_iter().collect(),
            violations: refusal
                .field_violations
                .into_iter()
                .map(|v| FieldViolation { field: v.field, description: v.description })
                .collect(),
            retry_delay: refusal.retry_delay.and_then(|delay| delay.try_into().ok()),
        }))
    }
}

/// Code and message of a status that tonic made itself, from a failure of the connection, and calls
/// UNKNOWN or CANCELLED as it comes: no answer came, so the call may be sent again.
fn no_answer(source: &(dyn StdError + 'static)) -> (Code, String) {
    let mut code = Code::Unavailable;
    let mut links = Vec::new();
    let mut link = Some(source);
    while let Some(error) = link {
        if error.is::<TimeoutExpired>() {
            code = Code::DeadlineExceeded;
        }
        links.push(error.to_string());
        link = error.source();
    }
    links.dedup();
    (code, links.join(": "))
}
