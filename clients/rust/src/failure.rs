//! Failures of the training, and how they are told to the server.

use std::error::Error as StdError;
use std::fmt;

use crate::Error;
use crate::pb::FailureKind;

/// Any error of training code.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A failure of the training of a known kind; every other error is told as `Retryable`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What becomes of the trial.
    pub kind: FailureKind,
    /// What happened; for people.
    pub message: String,
}

impl Failure {
    /// May succeed elsewhere or later: the trial is tried again, and that counts.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Retryable, message: message.into() }
    }

    /// Would fail again: the trial is FAILED without another attempt.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Permanent, message: message.into() }
    }

    /// These hyperparameters cannot work: the trial is replaced, not retried.
    pub fn infeasible(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Infeasible, message: message.into() }
    }

    /// The checkpoint cannot be read: it is dropped and the trial starts from scratch, uncounted.
    pub fn checkpoint_unreadable(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::CheckpointUnreadable, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl StdError for Failure {}

/// What an error out of training code means.
pub(crate) enum Cause {
    /// Server, network or client, perhaps wrapped: never the training's fault.
    Server(Error),
    /// The training.
    Training(Failure),
}

/// Sorts an error by what it is, or wraps.
pub(crate) fn cause_of(error: &(dyn StdError + 'static)) -> Cause {
    let mut kind = FailureKind::Retryable;
    let mut text = error.to_string();
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Cause::Server(error.clone());
        }
        if let Some(failure) = error.downcast_ref::<Failure>() {
            kind = failure.kind;
        }
        link = error.source();
        if let Some(source) = link {
            text = format!("{text}: {source}");
        }
    }
    Cause::Training(Failure { kind, message: text })
}

/// The text in at most 2000 bytes, its beginning kept; the server takes 4096 by default.
pub(crate) fn clipped(mut text: String) -> String {
    const MAX_BYTES: usize = 2000;
    const MARK: &str = " …";
    if text.len() > MAX_BYTES {
        let mut end = MAX_BYTES - MARK.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(MARK);
    }
    text
}
