//! The client against a scripted server of the generated service base, in this process; sessions
//! against the real one as well.

mod connection;
mod keepalive;
mod real_server;
mod retries;
mod server;
mod sessions;
mod shutdown;
mod trials;

use std::time::Duration;

use asha_client::{Builder, Client};

/// How to reach a server, with pauses that a test does not notice.
fn builder(address: &str) -> Builder {
    Client::builder(address).backoff(Duration::from_millis(5), Duration::from_millis(10))
}

fn connect(server: &server::Server) -> Client {
    builder(&server.address).connect().expect("an address")
}
