//! The Rust client of the ASHA server: hyperparameter search by asynchronous successive halving.
//!
//! ```no_run
//! # fn train_one_epoch(learning_rate: f64) -> f64 { learning_rate }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = asha_client::connect("localhost:50051")?;
//! let mut trials = client.experiment("digits").trials();
//! while let Some(trial) = trials.next().await? {
//!     let learning_rate = trial.double("lr")?;
//!     for step in trial.steps() {
//!         let loss = train_one_epoch(learning_rate);
//!         trial.report(step, [("val_loss", loss)]).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Read [`Trials`] first (the loop), then [`Trial`] (one trial in this worker's hands), [`Error`] and
//! [`Failure`] (what can go wrong), [`Client`] (the whole API, TLS, tokens, retries).
//!
//! A client has a thread of its own for its connection and its heartbeats.
//! So training code may block its own thread for as long as it likes, and the futures of this crate
//! run on any executor.

#![warn(missing_docs)]

mod client;
mod connection;
mod decision;
mod error;
mod failure;
mod identity;
pub mod pb;
mod session;
mod shutdown;
mod trial;
mod trials;
mod value;

pub use client::{Builder, Client, Experiment, connect};
pub use connection::{Bearer, CallOptions};
pub use decision::{Decision, Verdict};
pub use error::{Error, FieldViolation};
pub use failure::{BoxError, Failure};
pub use pb::FailureKind;
pub use shutdown::termination;
pub use tonic::Code;
pub use tonic::transport::{Certificate, ClientTlsConfig, Identity};
pub use trial::{Steps, Trial};
pub use trials::Trials;
pub use value::Value;
