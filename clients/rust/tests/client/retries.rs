//! What is sent again, and what a refusal says.

use std::time::{Duration, Instant};

use asha_client::pb::{self, rpc};
use asha_client::{CallOptions, Code, FieldViolation};

use crate::server::{Server, assigned, decided, detail, refused, refused_because, retry_info};
use crate::{builder, connect};

fn heartbeat() -> pb::HeartbeatRequest {
    let lease_token = "lease-0".into();
    pb::HeartbeatRequest { experiment_id: "digits".into(), trial_number: 0, lease_token }
}

#[tokio::test]
async fn an_ask_is_retried_with_the_same_request_id() {
    let server = Server::start();
    server.suggest([refused(Code::Unavailable), refused(Code::Unavailable), assigned(0)]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    trials.next().await.unwrap().unwrap();

    let asks = server.requests::<pb::GetSuggestionRequest>();
    assert_eq!(asks.len(), 3);
    assert!(asks.iter().all(|ask| *ask == asks[0]));
}

#[tokio::test]
async fn silence_ends_by_the_deadline_and_is_retried() {
    let server = Server::start();
    server.answer_heartbeats([None]);
    let client = builder(&server.address).deadline(Duration::from_millis(50)).connect().unwrap();
    client.call(heartbeat()).await.unwrap();

    assert_eq!(server.requests::<pb::HeartbeatRequest>().len(), 2);
}

#[tokio::test]
async fn exhausted_is_retried_only_with_a_delay_and_after_it() {
    let server = Server::start();
    let delay = Duration::from_millis(60);
    server.answer_heartbeats([refused_because(
        Code::ResourceExhausted,
        "OVERLOADED",
        &[retry_info(delay)],
    )]);
    let client = connect(&server);
    let began = Instant::now();
    client.call(heartbeat()).await.unwrap();
    assert!(began.elapsed() >= delay);

    server.answer_heartbeats([refused_because(Code::ResourceExhausted, "LIMIT_EXCEEDED", &[])]);
    let error = client.call(heartbeat()).await.unwrap_err();
    assert_eq!((error.reason(), error.retry_delay()), ("LIMIT_EXCEEDED", None));
}

#[tokio::test]
async fn nothing_else_is_retried() {
    let server = Server::start();
    let client = connect(&server);
    let codes = [
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::DataLoss,
        Code::Unauthenticated,
    ];
    for (count, code) in (1..).zip(codes) {
        server.answer_heartbeats([refused(code)]);
        let error = client.call(heartbeat()).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Some(code), ""));
        assert_eq!(server.requests::<pb::HeartbeatRequest>().len(), count);
    }
}

#[tokio::test]
async fn a_refusal_tells_code_reason_metadata_and_every_wrong_field() {
    let server = Server::start();
    let violation = |field: &str| rpc::bad_request::FieldViolation {
        field: field.into(),
        description: "is required".into(),
        ..Default::default()
    };
    let field_violations = vec![violation("lease_token"), violation("experiment_id")];
    let bad = detail("BadRequest", &rpc::BadRequest { field_violations });
    server.answer_heartbeats([refused_because(Code::InvalidArgument, "INVALID_REQUEST", &[bad])]);
    let error = connect(&server).call(heartbeat()).await.unwrap_err();

    assert_eq!((error.code(), error.reason()), (Some(Code::InvalidArgument), "INVALID_REQUEST"));
    assert_eq!(error.metadata()["verdict"], "CONTINUE");
    let violation =
        |field: &str| FieldViolation { field: field.into(), description: "is required".into() };
    assert_eq!(error.violations(), [violation("lease_token"), violation("experiment_id")]);
    let text = error.to_string();
    assert!(text.starts_with("refused as scripted [InvalidArgument/INVALID_REQUEST]\n"), "{text}");
    assert!(text.contains("  lease_token: is required"), "{text}");
}

#[tokio::test]
async fn a_call_gives_up_when_its_time_is_over() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = builder(&nobody.to_string()).retry_for(Duration::from_millis(100)).connect();
    let client = client.unwrap();
    let began = Instant::now();
    let error = client.call(heartbeat()).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::Unavailable));
    assert!(error.message().contains("refused"), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(80));

    let options = CallOptions { retry_for: Some(Duration::ZERO), ..CallOptions::default() };
    let began = Instant::now();
    client.call_with(heartbeat(), options).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_millis(80));
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let first = Server::start();
    let address = first.address.clone();
    let mut trials = connect(&first).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    first.answer_reports([None]);
    let report = tokio::spawn({
        let trial = trial.clone();
        async move { trial.report(1, [("val_loss", 0.5)]).await }
    });
    first.wait_for("ReportMetric", 1).await;
    drop(first);
    let second = Server::start_on(&address);
    second.answer_reports([decided(pb::Verdict::Continue)]);

    report.await.unwrap().unwrap();
    assert_eq!(second.requests::<pb::ReportMetricRequest>()[0].step, 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled() {
    let server = Server::start();
    server.answer_heartbeats([None]);
    let client = connect(&server);
    let call = tokio::spawn(async move { client.call(heartbeat()).await });
    server.wait_for("Heartbeat", 1).await;
    call.abort();

    server.wait_for_cancel().await;
}
