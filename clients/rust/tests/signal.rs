//! SIGTERM, which every test of a process would hear: so this one is alone in its own.

#![cfg(unix)]

#[path = "client/server.rs"]
#[allow(dead_code)]
mod server;

use std::process::{Command, id};

use asha_client::connect;
use server::Server;

#[tokio::test]
async fn sigterm_releases_the_trial_and_ends_the_loop() {
    let server = Server::start();
    let mut termination = Box::pin(asha_client::termination());
    tokio::select! {
        biased;
        () = &mut termination => panic!("nobody sent a signal"),
        () = std::future::ready(()) => {} // polled once, it listens
    }
    let experiment = connect(&server.address).unwrap().experiment("digits");
    let mut trials = experiment.trials().worker_id("worker-1").shutdown_on(termination);
    let trial = trials.next().await.unwrap().unwrap();

    let kill = Command::new("kill").args(["-TERM", &id().to_string()]).status().unwrap();
    assert!(kill.success());
    trial.stopped().await;

    assert!(trials.next().await.unwrap().is_none());
    assert_eq!(server.methods(), ["GetSuggestion", "ReleaseTrial"]);
}
