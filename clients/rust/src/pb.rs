//! The wire contract `asha.v1`: messages, service clients, and what pairs requests with responses.
//!
//! Generated from the repository's `protos` by `./generate`; the comments are theirs.
//! Start with [`GetSuggestionResponse`] and [`Decision`].

#![allow(clippy::all, clippy::pedantic, missing_docs, rustdoc::all)]

include!("pb/asha.v1.rs");
include!("pb/methods.rs");

/// `google.rpc`: the details of an error.
pub mod rpc {
    include!("pb/google.rpc.rs");
}

/// A request of a unary method, and what it is answered by.
pub trait Method: prost::Message {
    /// The message that answers it.
    type Response: prost::Message + Default;
    /// `/package.Service/Method`.
    const PATH: &'static str;
}
