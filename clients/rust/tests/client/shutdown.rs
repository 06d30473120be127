//! A worker that is told to go away gives its trial back.

use std::time::{Duration, Instant};

use asha_client::{Trials, Verdict};
use tokio::sync::oneshot;

use crate::connect;
use crate::server::Server;

/// A loop, and what shuts it down.
fn stoppable(server: &Server) -> (Trials, oneshot::Sender<()>) {
    let (stop, stopped) = oneshot::channel();
    let trials = connect(server).experiment("digits").trials().worker_id("worker-1");
    (trials.shutdown_on(async { stopped.await.unwrap() }), stop)
}

#[tokio::test]
async fn a_shutdown_releases_the_trial_and_ends_the_loop() {
    let server = Server::start();
    let (mut trials, stop) = stoppable(&server);
    let trial = trials.next().await.unwrap().unwrap();
    stop.send(()).unwrap();
    trial.stopped().await;

    assert_eq!(trial.steps().count(), 0);
    let decision = trial.report(1, [("val_loss", 0.5)]).await.unwrap();
    assert_eq!((decision.verdict, decision.reason.as_str()), (Verdict::Stop, "TRIAL_ENDED"));
    assert!(trials.next().await.unwrap().is_none());
    // The loop's end waited for the release, so that the process may end now.
    assert_eq!(server.methods(), ["GetSuggestion", "ReleaseTrial"]);
}

#[tokio::test]
async fn a_shutdown_ends_a_report_that_the_server_does_not_answer() {
    let server = Server::start();
    server.answer_reports([None]);
    let (mut trials, stop) = stoppable(&server);
    let trial = trials.next().await.unwrap().unwrap();
    let report = tokio::spawn(async move { trial.report(1, [("val_loss", 0.5)]).await });
    server.wait_for("ReportMetric", 1).await;
    stop.send(()).unwrap();

    assert_eq!(report.await.unwrap().unwrap().verdict, Verdict::Stop);
}

#[tokio::test]
async fn a_shutdown_ends_the_wait_for_work() {
    let server = Server::start();
    server.suggest([None]);
    let (mut trials, stop) = stoppable(&server);
    let next = tokio::spawn(async move { trials.next().await });
    server.wait_for("GetSuggestion", 1).await;
    stop.send(()).unwrap();

    assert!(next.await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_does_not_answer_holds_nobody_back() {
    let server = Server::start();
    server.answer_releases([None]);
    let (mut trials, stop) = stoppable(&server);
    let trial = trials.next().await.unwrap().unwrap();
    let began = Instant::now();
    stop.send(()).unwrap();
    trial.stopped().await;
    assert!(trials.next().await.unwrap().is_none());
    drop(trials);

    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
