//! The lease is kept alive while a trial trains, and verdicts arrive without being asked for.

use std::time::{Duration, Instant};

use asha_client::pb;
use asha_client::{Code, Verdict};

use crate::connect;
use crate::server::{Server, assigned, beaten, briefly_assigned, refused, refused_because};

#[tokio::test(flavor = "current_thread")]
async fn the_lease_is_kept_alive_while_training_blocks_the_only_thread() {
    let server = Server::start();
    server.suggest([briefly_assigned(0)]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    trials.next().await.unwrap().unwrap();

    let began = Instant::now();
    while server.requests::<pb::HeartbeatRequest>().len() < 3 {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::hint::spin_loop(); // training: it never lets the runtime go on
    }
    let heartbeat = &server.requests::<pb::HeartbeatRequest>()[2];
    assert_eq!((heartbeat.trial_number, heartbeat.lease_token.as_str()), (0, "lease-0"));
}

#[tokio::test]
async fn a_verdict_that_comes_by_heartbeat_ends_the_steps() {
    for (said, heard) in [(pb::Verdict::Stop, Verdict::Stop), (pb::Verdict::Pause, Verdict::Pause)]
    {
        let server = Server::start();
        server.suggest([briefly_assigned(0)]);
        server.answer_heartbeats([beaten(said)]);
        let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
        let trial = trials.next().await.unwrap().unwrap();
        let mut steps = trial.steps();
        assert_eq!(steps.next(), Some(1));

        trial.stopped().await;

        assert_eq!(trial.decision().unwrap().verdict, heard);
        assert_eq!((steps.next(), trial.next_decision_step()), (None, 0));
        assert!(trials.next().await.unwrap().is_none());
        assert_eq!(server.methods(), ["GetSuggestion", "GetSuggestion"]);
    }
}

#[tokio::test]
async fn a_lease_lost_between_reports_ends_the_trial_and_the_loop_goes_on() {
    let server = Server::start();
    server.suggest([briefly_assigned(0), assigned(1)]);
    server.answer_heartbeats([refused_because(Code::Aborted, "LEASE_LOST", &[])]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();

    trial.stopped().await;

    let decision = trial.decision().unwrap();
    assert_eq!((decision.verdict, decision.reason.as_str()), (Verdict::Stop, "LEASE_LOST"));
    assert_eq!(trials.next().await.unwrap().unwrap().number(), 1);
}

#[tokio::test]
async fn heartbeats_go_on_through_every_failure() {
    let server = Server::start();
    server.suggest([briefly_assigned(0)]);
    server.answer_heartbeats([
        refused(Code::Unavailable),
        refused(Code::Internal),
        beaten(pb::Verdict::Continue),
    ]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();

    server.wait_for("Heartbeat", 4).await;

    assert!(!trial.should_stop());
}

#[tokio::test]
async fn heartbeats_end_with_the_trial() {
    let server = Server::start();
    server.suggest([briefly_assigned(0), briefly_assigned(1)]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    trials.next().await.unwrap().unwrap();
    server.wait_for("Heartbeat", 1).await;
    trials.next().await.unwrap().unwrap();
    let before = server.requests::<pb::HeartbeatRequest>().len();
    server.wait_for("Heartbeat", before + 3).await;

    // One of the first trial may have been on its way when it ended.
    let later = &server.requests::<pb::HeartbeatRequest>()[before + 1..];
    assert!(later.iter().all(|heartbeat| heartbeat.trial_number == 1), "{later:?}");
}
