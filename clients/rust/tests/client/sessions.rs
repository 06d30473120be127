//! Calls over one stream, decisions that nobody asked for, and streams that break or are refused.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use asha_client::pb::training_session_request::Request as Asked;
use asha_client::{Code, Trial, Trials, Verdict, pb};

use crate::real_server::{PATIENCE, RealServer};
use crate::server::{
    Server, Sessions, assigned, beaten, decision, detail, refused, refused_because, retry_info,
};
use crate::{builder, connect};

/// Passes where silence is meant, and is kept by a busy machine where an answer is.
const PATIENT_DEADLINE: Duration = Duration::from_secs(2);

fn heartbeat() -> pb::HeartbeatRequest {
    let lease_token = "lease-0".into();
    pb::HeartbeatRequest { experiment_id: "digits".into(), trial_number: 0, lease_token }
}

async fn train(trial: &Trial) {
    for step in trial.steps() {
        trial.report(step, [("loss", 1.0 / step as f64)]).await.unwrap();
    }
}

async fn train_all(mut trials: Trials) -> usize {
    let mut count = 0;
    while let Some(trial) = trials.next().await.unwrap() {
        train(&trial).await;
        count += 1;
    }
    count
}

async fn stopped(trial: &Trial) {
    tokio::time::timeout(PATIENCE, trial.stopped()).await.expect("the trial hears of its end");
}

/// How often each step of each trial was recorded.
async fn observations(
    server: &RealServer,
    experiment_id: &str,
) -> BTreeMap<(i64, i64, i64), usize> {
    let mut counts = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let experiment_id = experiment_id.to_owned();
        let request =
            pb::ListObservationsRequest { experiment_id, page_token, ..Default::default() };
        let page = server.person().call(request).await.unwrap();
        for seen in page.observations {
            *counts.entry((seen.trial_number, seen.attempt, seen.step)).or_default() += 1;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return counts;
        }
    }
}

/// Every step of every trial once, all in the first attempt.
fn once_each(trials: i64, steps: i64) -> BTreeMap<(i64, i64, i64), usize> {
    let all = (0..trials).flat_map(|trial| (1..=steps).map(move |step| (trial, 1, step)));
    all.map(|step| (step, 1)).collect()
}

#[tokio::test]
async fn a_stop_by_a_person_ends_the_steps_without_a_call() {
    let server = RealServer::start(&[]);
    let experiment_id = server.create(1, 1_000).await;
    let client = asha_client::connect(&server.address).unwrap();
    let mut trials = client.experiment(&experiment_id).trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    trial.report(1, [("loss", 0.5)]).await.unwrap();

    let stop = pb::StopExperimentRequest { experiment_id, ..Default::default() };
    server.person().call(stop).await.unwrap();
    stopped(&trial).await; // the next heartbeat is due in 8 hours

    let decision = trial.decision().unwrap();
    assert_eq!((decision.verdict, decision.reason.as_str()), (Verdict::Stop, "EXPERIMENT_STOPPED"));
    assert_eq!(trial.steps().count(), 0);
}

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_loses_and_repeats_nothing() {
    let mut server = RealServer::start(&[]);
    let experiment_id = server.create(2, 200).await;
    let client = builder(&server.address).connect().unwrap();
    let mut trials = client.experiment(&experiment_id).trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();

    // The worker tells when it is in the middle of a trial, goes on, and does not end it before the
    // server was killed and started again.
    let (tell, mut middles) = tokio::sync::mpsc::channel(1);
    let (started, mut starts) = tokio::sync::watch::channel(0);
    let worker = tokio::spawn(async move {
        let mut trial = Some(trial);
        let mut count = 0;
        while let Some(present) = trial {
            count += 1;
            for step in present.steps() {
                if step == 100 {
                    tell.send(()).await.unwrap();
                }
                if step == 200 {
                    starts.wait_for(|starts| *starts >= count).await.unwrap();
                }
                present.report(step, [("loss", 1.0 / step as f64)]).await.unwrap();
            }
            trial = trials.next().await.unwrap();
        }
        count
    });
    for starts in 1..=2 {
        middles.recv().await.unwrap();
        server.kill();
        server.start_again();
        started.send(starts).unwrap();
    }

    assert_eq!(worker.await.unwrap(), 2);
    assert_eq!(observations(&server, &experiment_id).await, once_each(2, 200));
}

#[tokio::test]
async fn many_loops_share_one_session_which_ends_with_the_client() {
    let server = RealServer::start(&[]);
    let experiment_id = server.create(40, 5).await;
    let client = asha_client::connect(&server.address).unwrap();
    let mut loops = tokio::task::JoinSet::new();
    for number in 0..20 {
        let trials = client.experiment(&experiment_id).trials();
        loops.spawn(train_all(trials.worker_id(format!("worker-{number}"))));
    }
    let counts = loops.join_all().await;

    assert_eq!(counts.iter().sum::<usize>(), 40);
    assert_eq!(observations(&server, &experiment_id).await, once_each(40, 5));
    assert_eq!(server.open_sessions().await, 1);
    drop(client);
    server.wait_for_sessions(0).await;
}

#[tokio::test]
async fn a_client_whose_session_is_refused_makes_unary_calls() {
    let server = RealServer::start(&["--limit", "sessions_max=1"]);
    let experiment_id = server.create(2, 3).await;
    let first = asha_client::connect(&server.address).unwrap();
    let mut trials = first.experiment(&experiment_id).trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();

    let second = asha_client::connect(&server.address).unwrap();
    let others = second.experiment(&experiment_id).trials().worker_id("worker-2");
    train(&trial).await;
    let (count, others) = tokio::join!(train_all(trials), train_all(others));

    assert_eq!(1 + count + others, 2);
    assert_eq!(observations(&server, &experiment_id).await, once_each(2, 3));
    assert_eq!(server.open_sessions().await, 1);
}

#[tokio::test]
async fn the_calls_of_a_worker_go_over_one_stream_with_the_token() {
    let server = Server::start_with_sessions();
    let client = builder(&server.address).token("secret").connect().unwrap();
    train_all(client.experiment("digits").trials().worker_id("worker-1")).await;

    let sessions = server.sessions();
    let [session] = sessions.as_slice() else { panic!("{} sessions", sessions.len()) };
    assert_eq!(session.metadata.get("authorization").unwrap(), "Bearer secret");
    let numbers: Vec<u64> = session.messages.iter().map(|asked| asked.request_number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert!(matches!(session.messages[0].request, Some(Asked::GetSuggestion(_))));
    assert!(matches!(session.messages[1].request, Some(Asked::ReportMetrics(_))));
}

#[tokio::test]
async fn sessions_can_be_switched_off() {
    let server = Server::start_with_sessions();
    let client = builder(&server.address).sessions(false).connect().unwrap();
    train_all(client.experiment("digits").trials().worker_id("worker-1")).await;

    assert_eq!(server.sessions().len(), 0);
    assert_eq!(server.requests::<pb::ReportMetricRequest>().len(), 3);
}

#[tokio::test]
async fn a_refusal_on_a_session_is_the_same_error() {
    let violation = pb::rpc::bad_request::FieldViolation {
        field: "lease_token".into(),
        description: "is required".into(),
        ..Default::default()
    };
    let bad = pb::rpc::BadRequest { field_violations: vec![violation] };
    let mut errors = Vec::new();
    for server in [Server::start(), Server::start_with_sessions()] {
        let details = [detail("BadRequest", &bad), retry_info(Duration::from_millis(70))];
        let refusal = refused_because(Code::InvalidArgument, "INVALID_REQUEST", &details);
        server.answer_heartbeats([refusal]);
        errors.push(connect(&server).call(heartbeat()).await.unwrap_err());
    }
    let [unary, session] = errors.as_slice() else { panic!("two errors") };

    assert_eq!(session.code(), Some(Code::InvalidArgument));
    assert_eq!(session.reason(), "INVALID_REQUEST");
    assert_eq!(session.to_string(), unary.to_string());
    assert_eq!(session.metadata(), unary.metadata());
    assert_eq!(session.violations(), unary.violations());
    assert_eq!(session.retry_delay(), Some(Duration::from_millis(70)));
}

#[tokio::test]
async fn a_refusal_without_a_reason_has_none() {
    let server = Server::start_with_sessions();
    server.answer_heartbeats([refused(Code::PermissionDenied)]);
    let error = connect(&server).call(heartbeat()).await.unwrap_err();

    assert_eq!((error.code(), error.reason()), (Some(Code::PermissionDenied), ""));
}

#[tokio::test]
async fn what_was_not_answered_when_the_stream_broke_is_sent_again() {
    let server = Server::start_with_sessions();
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    server.answer_reports([None]);
    let report = tokio::spawn({
        let trial = trial.clone();
        async move { trial.report(1, [("loss", 0.5)]).await }
    });
    server.wait_for("ReportMetric", 1).await;
    // Whatever the code: a stream that was good for an answer is worth another one.
    server.break_sessions(Code::Internal);
    report.await.unwrap().unwrap();

    let reports = server.requests::<pb::ReportMetricRequest>();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0], reports[1]);
    assert_eq!(server.sessions().len(), 2);
}

#[tokio::test]
async fn a_stream_that_is_refused_is_not_tried_again_soon() {
    for code in [Code::Unimplemented, Code::PermissionDenied, Code::ResourceExhausted] {
        let server = Server::start();
        server.have_sessions(Sessions::Refused(code));
        let client = connect(&server);
        for _ in 0..3 {
            client.call(heartbeat()).await.unwrap();
        }

        assert_eq!(server.sessions().len(), 1);
        assert_eq!(server.requests::<pb::HeartbeatRequest>().len(), 3);
    }
}

#[tokio::test]
async fn after_three_streams_without_an_answer_one_call_is_unary() {
    let server = Server::start();
    server.have_sessions(Sessions::Refused(Code::Unavailable));
    let client = connect(&server);
    client.call(heartbeat()).await.unwrap();
    assert_eq!(server.sessions().len(), 3);
    server.have_sessions(Sessions::Carried);
    client.call(heartbeat()).await.unwrap();

    let sessions = server.sessions();
    assert_eq!((sessions.len(), sessions[3].messages.len()), (4, 1));
}

#[tokio::test]
async fn a_stream_on_which_nothing_ever_comes_is_got_round() {
    let server = Server::start();
    server.have_sessions(Sessions::Silent);
    let client = builder(&server.address).deadline(PATIENT_DEADLINE).connect().unwrap();
    let began = Instant::now();
    client.call(heartbeat()).await.unwrap();
    client.call(heartbeat()).await.unwrap();

    assert!(began.elapsed() >= PATIENT_DEADLINE);
    assert_eq!(server.sessions().len(), 1);
    assert_eq!(server.requests::<pb::HeartbeatRequest>().len(), 2);
}

#[tokio::test]
async fn a_stream_that_went_silent_is_left_for_another() {
    let server = Server::start_with_sessions();
    let client = builder(&server.address).deadline(PATIENT_DEADLINE).connect().unwrap();
    client.call(heartbeat()).await.unwrap();
    server.answer_heartbeats([None, beaten(pb::Verdict::Pause)]);
    let answer = client.call(heartbeat()).await.unwrap();

    assert_eq!(answer.decision.unwrap().verdict(), pb::Verdict::Pause);
    assert_eq!(server.sessions().len(), 2);
}

#[tokio::test]
async fn a_pushed_decision_reaches_its_own_attempt_only() {
    let server = Server::start_with_sessions();
    server.suggest([assigned(0)]);
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let trial = trials.next().await.unwrap().unwrap();
    let pushed = |attempt| pb::PushedDecision {
        experiment_id: "digits".into(),
        trial_number: 0,
        attempt,
        decision: Some(decision(pb::Verdict::Stop)),
    };
    server.push(&pushed(2));
    trial.report(1, [("loss", 0.5)]).await.unwrap();
    assert!(!trial.should_stop());
    server.push(&pushed(1));
    stopped(&trial).await;

    assert_eq!(trial.decision().unwrap().verdict, Verdict::Stop);
    trials.next().await.unwrap();
    assert_eq!(server.methods(), ["GetSuggestion", "ReportMetric", "GetSuggestion"]);
}

#[tokio::test]
async fn a_client_that_is_dropped_releases_its_trial_and_ends_the_stream_in_order() {
    let server = Server::start_with_sessions();
    let mut trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    trials.next().await.unwrap().unwrap();
    drop(trials);

    server.wait_for_sessions(|sessions| sessions[0].is_ended).await;
    let messages = &server.sessions()[0].messages;
    assert!(matches!(messages[1].request, Some(Asked::ReleaseTrial(_))), "{messages:?}");
}
