//! The loop: what it asks, what it reports, how each trial ends.

use std::time::Duration;

use asha_client::pb::get_suggestion_response::Result as Suggestion;
use asha_client::pb::parameter_value::Kind;
use asha_client::pb::{self, FailureKind};
use asha_client::{BoxError, Code, Failure, Trial, Value, Verdict};
use prost::Message as _;

use crate::connect;
use crate::server::{
    Server, assigned, assignment, decided, parameter, refused, refused_because, suggestion, waiting,
};

/// Trains a trial as the README has it; the steps it went.
async fn train(trial: &Trial) -> Vec<i64> {
    let mut trained = Vec::new();
    for step in trial.steps() {
        trained.push(step);
        trial.report(step, [("val_loss", 1.0 / step as f64)]).await.unwrap();
    }
    trained
}

#[tokio::test]
async fn the_loop_reports_every_step_until_stop_and_ends_with_the_search() {
    let server = Server::start();
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");

    let trial = trials.next().await.unwrap().unwrap();
    assert_eq!(train(&trial).await, [1, 2, 3]);
    assert!(trials.next().await.unwrap().is_none());

    let methods = server.methods();
    let reports = ["ReportMetric"; 3];
    assert_eq!(methods, [&["GetSuggestion"][..], &reports, &["GetSuggestion"]].concat());
    let report = &server.requests::<pb::ReportMetricRequest>()[1];
    assert_eq!((report.experiment_id.as_str(), report.trial_number), ("digits", 0));
    assert_eq!((report.lease_token.as_str(), report.step), ("lease-0", 2));
    let metric = pb::MetricValue { name: "val_loss".into(), value: 0.5 };
    assert_eq!(report.metrics, [metric]);
}

#[tokio::test]
async fn every_ask_carries_worker_incarnation_and_a_request_id_of_its_own() {
    let server = Server::start();
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    while let Some(trial) = trials.next().await.unwrap() {
        train(&trial).await;
    }

    let asks = server.requests::<pb::GetSuggestionRequest>();
    let [first, second] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!((first.experiment_id.as_str(), first.worker_id.as_str()), ("digits", "worker-1"));
    assert!(!first.incarnation_id.is_empty());
    assert_eq!(first.incarnation_id, second.incarnation_id);
    assert_ne!(first.request_id, second.request_id);
    assert_eq!(first.max_wait.unwrap().seconds, 20);
}

#[tokio::test]
async fn every_call_has_a_deadline_and_a_long_poll_has_its_wait_more() {
    let server = Server::start();
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    while let Some(trial) = trials.next().await.unwrap() {
        train(&trial).await;
    }

    for call in server.received() {
        let timeout = call.metadata.get("grpc-timeout").unwrap().to_str().unwrap();
        // tonic writes microseconds: 20 s of waiting and 10 s, or 10 s.
        let expected = if call.method == "GetSuggestion" { "30000000u" } else { "10000000u" };
        assert_eq!(timeout, expected, "{}", call.method);
    }
}

#[tokio::test]
async fn loops_without_a_name_have_names_of_their_own() {
    let server = Server::start();
    let experiment = connect(&server).experiment("digits");
    server.suggest([]);
    for _ in 0..2 {
        assert!(experiment.trials().next().await.unwrap().is_none());
    }

    let asks = server.requests::<pb::GetSuggestionRequest>();
    assert_ne!(asks[0].worker_id, asks[1].worker_id);
    assert_eq!(asks[0].incarnation_id, asks[1].incarnation_id);
}

#[tokio::test]
async fn a_trial_shows_what_was_handed_out() {
    let server = Server::start();
    let handed_out = pb::Assignment {
        kind: pb::AssignmentKind::Promoted.into(),
        start_step: 1,
        checkpoint_uri: "s3://bucket/7".into(),
        parameters: vec![
            parameter("lr", Kind::DoubleValue(0.1)),
            parameter("big", Kind::IntValue(9_007_199_254_740_993)), // 2^53 + 1
            parameter("act", Kind::StringValue("relu".into())),
            parameter("bias", Kind::BoolValue(true)),
            parameter("layers", Kind::JsonValue("[8,8]".into())),
        ],
        ..assignment(7)
    };
    server.suggest([suggestion(Suggestion::Assignment(handed_out))]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();

    assert_eq!((trial.number(), trial.attempt(), trial.kind()), (7, 1, "PROMOTED"));
    assert_eq!((trial.start_step(), trial.checkpoint()), (1, Some("s3://bucket/7")));
    assert_eq!((trial.max_length(), trial.next_decision_step(), trial.seed()), (3, 3, 7));
    let names: Vec<&str> = trial.parameters().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["lr", "big", "act", "bias", "layers"]);
    assert_eq!(trial.double("lr"), Ok(0.1));
    assert_eq!(trial.int("big"), Ok(9_007_199_254_740_993));
    assert_eq!(trial.string("act"), Ok("relu"));
    assert_eq!(trial.bool("bias"), Ok(true));
    assert_eq!(trial.parameter("layers"), Some(&Value::Json("[8,8]".into())));
    assert!(trial.int("lr").unwrap_err().message.contains("no int but Double"));
    assert!(trial.int("depth").unwrap_err().message.contains("no parameter \"depth\""));
    assert_eq!(trial.steps().collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn a_trial_left_without_a_verdict_is_complete() {
    let server = Server::start();
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    trial.report(1, [("val_loss", 0.5)]).await.unwrap();
    assert!(trials.next().await.unwrap().is_none());

    let expected = ["GetSuggestion", "ReportMetric", "CompleteTrial", "GetSuggestion"];
    assert_eq!(server.methods(), expected);
    assert_eq!(server.requests::<pb::CompleteTrialRequest>()[0].lease_token, "lease-0");
}

#[tokio::test]
async fn after_pause_nothing_more_is_said_of_the_trial() {
    let server = Server::start();
    server.answer_reports([decided(pb::Verdict::Pause)]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    assert!(trial.needs_checkpoint(3));
    let decision = trial.report_with_checkpoint(3, [("val_loss", 0.5)], "file:3").await.unwrap();
    assert_eq!(decision.verdict, Verdict::Pause);
    trial.release("never sent").await.unwrap();
    assert!(trials.next().await.unwrap().is_none());

    assert_eq!(server.methods(), ["GetSuggestion", "ReportMetric", "GetSuggestion"]);
    assert_eq!(server.requests::<pb::ReportMetricRequest>()[0].checkpoint_uri, "file:3");
}

#[tokio::test]
async fn dropping_the_loop_releases_its_trial() {
    let server = Server::start();
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    trials.next().await.unwrap().unwrap();
    drop(trials);

    assert_eq!(server.methods(), ["GetSuggestion", "ReleaseTrial"]);
    assert_eq!(server.requests::<pb::ReleaseTrialRequest>()[0].lease_token, "lease-0");
}

#[tokio::test]
async fn a_panic_fails_the_trial() {
    let server = Server::start();
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let task = tokio::spawn(async move {
        trials.next().await.unwrap().unwrap();
        panic!("the panic of this test");
    });
    assert!(task.await.unwrap_err().is_panic());

    assert_eq!(server.methods(), ["GetSuggestion", "FailTrial"]);
    assert_eq!(server.requests::<pb::FailTrialRequest>()[0].kind(), FailureKind::Retryable);
}

/// Runs one trial with a function that fails so; the one FailTrial.
async fn fail_with(error: impl Fn() -> BoxError) -> pb::FailTrialRequest {
    let server = Server::start();
    let trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let count = trials.run(async |_| Err(error())).await.unwrap();

    assert_eq!(count, 1);
    assert_eq!(server.methods(), ["GetSuggestion", "FailTrial", "GetSuggestion"]);
    server.requests::<pb::FailTrialRequest>().remove(0)
}

#[tokio::test]
async fn an_error_of_the_training_fails_the_trial_and_the_loop_goes_on() {
    let failure = fail_with(|| "cannot open data.csv".into()).await;

    assert_eq!(failure.kind(), FailureKind::Retryable);
    assert_eq!(failure.message, "cannot open data.csv");
}

#[tokio::test]
async fn training_code_says_the_kind_of_its_failure() {
    let failure = fail_with(|| Failure::infeasible("too wide").into()).await;
    assert_eq!((failure.kind(), failure.message.as_str()), (FailureKind::Infeasible, "too wide"));
    let failure = fail_with(|| Failure::permanent("no data").into()).await;
    assert_eq!(failure.kind(), FailureKind::Permanent);
    let failure = fail_with(|| Failure::checkpoint_unreadable("gone").into()).await;
    assert_eq!(failure.kind(), FailureKind::CheckpointUnreadable);
}

#[tokio::test]
async fn a_long_message_is_clipped_to_what_the_server_takes() {
    let failure = fail_with(|| "é".repeat(5000).into()).await;

    assert!((1990..=2000).contains(&failure.message.len()), "{}", failure.message.len());
    assert!(failure.message.ends_with('…'));
}

#[tokio::test]
async fn an_error_of_the_server_is_never_the_training_s_fault() {
    let server = Server::start();
    server.answer_reports([refused(Code::PermissionDenied)]);
    let trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let error = trials
        .run(async |trial| {
            trial.report(1, [("val_loss", 0.5)]).await?;
            Ok(())
        })
        .await
        .unwrap_err();

    assert_eq!(error.code(), Some(Code::PermissionDenied));
    assert_eq!(server.methods(), ["GetSuggestion", "ReportMetric", "ReleaseTrial"]);
}

#[tokio::test]
async fn three_failures_in_a_row_without_a_report_end_the_worker() {
    let server = Server::start();
    server.suggest((0..9).map(assigned));
    let trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let error = trials.run(async |_| Err("no GPU".into())).await.unwrap_err();

    assert_eq!((error.code(), error.reason()), (None, "WORKER_FAILING"));
    assert_eq!(server.requests::<pb::GetSuggestionRequest>().len(), 3);
}

#[tokio::test]
async fn a_report_breaks_the_row_of_failures_and_the_infeasible_is_none() {
    let server = Server::start();
    server.suggest((0..6).map(assigned));
    let trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let count = trials
        .run(async |trial| {
            match trial.number() {
                1 => drop(trial.report(1, [("val_loss", 0.5)]).await?),
                3 => return Err(Failure::infeasible("too wide").into()),
                _ => {}
            }
            Err("no GPU".into())
        })
        .await;

    // 0 fails, 1 breaks the row, 2 fails, 3 is infeasible, 4 and 5 fail: three in a row.
    assert_eq!(count.unwrap_err().reason(), "WORKER_FAILING");
    assert_eq!(server.requests::<pb::FailTrialRequest>().len(), 6);
}

#[tokio::test]
async fn waiting_and_a_result_of_a_newer_server_ask_again() {
    let server = Server::start();
    server.suggest([waiting(), waiting(), assigned(3)]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    assert_eq!(trials.next().await.unwrap().unwrap().number(), 3);

    let unknown = pb::GetSuggestionResponse::decode(&b"\x9a\x06\x00"[..]).unwrap(); // field 99
    server.suggest([Some(Ok(unknown)), assigned(4)]);
    assert_eq!(trials.next().await.unwrap().unwrap().number(), 4);
}

#[tokio::test]
async fn an_unknown_verdict_is_stop_and_an_unknown_reason_is_text() {
    let server = Server::start();
    let unknown = pb::Decision { verdict: 77, reason: 99, ..Default::default() };
    let answer = pb::ReportMetricResponse { decision: Some(unknown), ..Default::default() };
    server.answer_reports([Some(Ok(answer))]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    let decision = trial.report(1, [("val_loss", f64::NAN)]).await.unwrap();

    assert_eq!((decision.verdict, decision.reason.as_str()), (Verdict::Stop, "99"));
    assert!(trial.should_stop());
    assert_eq!(trial.steps().count(), 0);
}

#[tokio::test]
async fn a_lease_lost_at_a_report_is_stop_and_the_loop_goes_on() {
    let server = Server::start();
    server.suggest([assigned(0), assigned(1)]);
    server.answer_reports([refused_because(Code::Aborted, "LEASE_LOST", &[])]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    let decision = trial.report(1, [("val_loss", 0.5)]).await.unwrap();

    assert_eq!((decision.verdict, decision.reason.as_str()), (Verdict::Stop, "LEASE_LOST"));
    assert_eq!(trials.next().await.unwrap().unwrap().number(), 1);
    assert_eq!(server.methods(), ["GetSuggestion", "ReportMetric", "GetSuggestion"]);
}

#[tokio::test]
async fn a_step_reported_before_goes_on_with_the_decision_that_stands() {
    let server = Server::start();
    server.answer_reports([refused_because(Code::AlreadyExists, "METRIC_CONFLICT", &[])]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    let decision = trial.report_with_checkpoint(1, [("val_loss", 0.4)], "file:1").await.unwrap();

    assert_eq!(decision.verdict, Verdict::Continue);
    assert_eq!(server.requests::<pb::ReportCheckpointRequest>()[0].checkpoint_uri, "file:1");
    assert_eq!(trial.steps().collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn an_ask_whose_attempt_is_over_is_made_anew() {
    let server = Server::start();
    server.suggest([refused_because(Code::Aborted, "LEASE_LOST", &[]), assigned(5)]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");

    assert_eq!(trials.next().await.unwrap().unwrap().number(), 5);
    let asks = server.requests::<pb::GetSuggestionRequest>();
    assert_ne!(asks[0].request_id, asks[1].request_id);
}

#[tokio::test]
async fn a_server_that_holds_no_more_calls_is_asked_now_and_then() {
    let server = Server::start();
    let full = refused_because(Code::ResourceExhausted, "LIMIT_EXCEEDED", &[]);
    server.suggest([full, assigned(5)]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    trials.next().await.unwrap().unwrap();

    let wait = server.requests::<pb::GetSuggestionRequest>()[1].max_wait.unwrap_or_default();
    assert_eq!(Duration::try_from(wait).unwrap(), Duration::ZERO);
}

#[tokio::test]
async fn workers_of_one_process_share_a_client() {
    let server = Server::start();
    server.suggest((0..4).map(assigned));
    let experiment = connect(&server).experiment("digits");
    let workers = [0.5, 0.25].map(|loss| {
        let trials = experiment.trials();
        tokio::spawn(trials.run(async move |trial| {
            trial.report(3, [("val_loss", loss)]).await?;
            Ok(())
        }))
    });
    let mut count = 0;
    for worker in workers {
        count += worker.await.unwrap().unwrap();
    }

    assert_eq!(count, 4);
    assert_eq!(server.requests::<pb::ReportMetricRequest>().len(), 4);
}
