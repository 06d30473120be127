//! A gRPC server on a thread of its own, whose every answer is written down beforehand.
//!
//! A scripted answer is used once; then the method's standing answer holds. By default there is one
//! trial of three steps, which goes on until its last report, and then no more work.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use asha_client::pb::get_suggestion_response::Result as Suggestion;
use asha_client::pb::training_session_response::Response as Carried;
use asha_client::pb::{self, rpc};
use prost::Message;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream, UnixListenerStream};
use tonic::metadata::MetadataMap;
use tonic::transport::ServerTlsConfig;
use tonic::{Code, Request, Response, Status, Streaming};

#[path = "carried.rs"]
mod carried;

#[allow(clippy::all, dead_code)]
mod base {
    include!("asha.v1.rs");
}
use base::suggestion_service_server::{SuggestionService, SuggestionServiceServer};

/// How long a test waits for a call that must come; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is answered; none is silence until the client gives the call up.
pub type Answer<T> = Option<Result<T, Status>>;

/// What becomes of a session.
#[derive(Clone, Copy, Default)]
pub enum Sessions {
    /// This server has none.
    #[default]
    Unimplemented,
    /// Refused with this code.
    Refused(Code),
    /// Its messages are answered as the calls of their names.
    Carried,
    /// Nothing is ever answered on it.
    Silent,
}

/// One session as it was opened.
#[derive(Clone)]
pub struct Opened {
    pub metadata: MetadataMap,
    /// What was asked on it, in order of arrival.
    pub messages: Vec<pb::TrainingSessionRequest>,
    /// Whether its client ended it in order: it has no more to ask.
    pub is_ended: bool,
    answers: mpsc::WeakUnboundedSender<Result<pb::TrainingSessionResponse, Status>>,
}

/// One call as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: &'static str,
    pub metadata: MetadataMap,
    message: Vec<u8>,
}

#[derive(Default)]
struct Script {
    received: watch::Sender<Vec<Received>>,
    cancelled: watch::Sender<usize>,
    suggestions: Mutex<VecDeque<Answer<pb::GetSuggestionResponse>>>,
    reports: Mutex<VecDeque<Answer<pb::ReportMetricResponse>>>,
    heartbeats: Mutex<VecDeque<Answer<pb::HeartbeatResponse>>>,
    releases: Mutex<VecDeque<Answer<pb::ReleaseTrialResponse>>>,
    sessions: Mutex<Sessions>,
    opened: watch::Sender<Vec<Opened>>,
}

/// See the module.
pub struct Server {
    pub address: String,
    script: Arc<Script>,
    runtime: Option<Runtime>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_on("127.0.0.1:0")
    }

    pub fn start_on(address: &str) -> Self {
        Self::serve(address, None)
    }

    pub fn start_with_tls(tls: ServerTlsConfig) -> Self {
        Self::serve("127.0.0.1:0", Some(tls))
    }

    /// A server whose every answer may come over a session.
    pub fn start_with_sessions() -> Self {
        let server = Self::start();
        server.have_sessions(Sessions::Carried);
        server
    }

    /// What becomes of the sessions from now on.
    pub fn have_sessions(&self, sessions: Sessions) {
        *self.script.sessions.lock().unwrap() = sessions;
    }

    /// The sessions so far.
    pub fn sessions(&self) -> Vec<Opened> {
        self.script.opened.borrow().clone()
    }

    /// Waits until something holds of the sessions.
    pub async fn wait_for_sessions(&self, holds: impl FnMut(&Vec<Opened>) -> bool) {
        let mut opened = self.script.opened.subscribe();
        let held = tokio::time::timeout(PATIENCE, opened.wait_for(holds)).await;
        assert!(held.is_ok(), "{} sessions came", self.sessions().len());
    }

    /// Tells a decision on every open session, unasked.
    pub fn push(&self, pushed: &pb::PushedDecision) {
        self.send_to_all(|| {
            let response = Some(Carried::Pushed(pushed.clone()));
            Ok(pb::TrainingSessionResponse { request_number: 0, response })
        });
    }

    /// Ends every open session with an error.
    pub fn break_sessions(&self, code: Code) {
        self.send_to_all(|| Err(Status::new(code, "broken as scripted")));
    }

    fn send_to_all(&self, message: impl Fn() -> Result<pb::TrainingSessionResponse, Status>) {
        for opened in self.sessions() {
            if let Some(answers) = opened.answers.upgrade() {
                let _ = answers.send(message()); // its client may have gone
            }
        }
    }

    fn serve(address: &str, tls: Option<ServerTlsConfig>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread");
        let _context = runtime.enter();
        let script = Arc::new(Script::default());
        script.suggestions.lock().unwrap().push_back(assigned(0));
        let service = SuggestionServiceServer::new(Scripted(Arc::clone(&script)));
        let mut builder = tonic::transport::Server::builder();
        if let Some(tls) = tls {
            builder = builder.tls_config(tls).expect("a TLS configuration");
        }
        let address = if let Some(path) = address.strip_prefix("unix:") {
            let listener = tokio::net::UnixListener::bind(path).expect("a socket");
            runtime.spawn(builder.serve_with_incoming(service, UnixListenerStream::new(listener)));
            address.to_owned()
        } else {
            let listener = bind(address);
            listener.set_nonblocking(true).unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            runtime.spawn(builder.serve_with_incoming(service, TcpListenerStream::new(listener)));
            address
        };
        Self { address, script, runtime: Some(runtime) }
    }

    /// The next answers to GetSuggestion, in place of the one trial.
    pub fn suggest(&self, answers: impl IntoIterator<Item = Answer<pb::GetSuggestionResponse>>) {
        *self.script.suggestions.lock().unwrap() = answers.into_iter().collect();
    }

    pub fn answer_reports(
        &self,
        answers: impl IntoIterator<Item = Answer<pb::ReportMetricResponse>>,
    ) {
        *self.script.reports.lock().unwrap() = answers.into_iter().collect();
    }

    pub fn answer_heartbeats(
        &self,
        answers: impl IntoIterator<Item = Answer<pb::HeartbeatResponse>>,
    ) {
        *self.script.heartbeats.lock().unwrap() = answers.into_iter().collect();
    }

    pub fn answer_releases(
        &self,
        answers: impl IntoIterator<Item = Answer<pb::ReleaseTrialResponse>>,
    ) {
        *self.script.releases.lock().unwrap() = answers.into_iter().collect();
    }

    /// The calls so far, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.script.received.borrow().clone()
    }

    /// The names of the calls so far but heartbeats, in order of arrival.
    pub fn methods(&self) -> Vec<&'static str> {
        self.received().iter().map(|call| call.method).filter(|name| *name != "Heartbeat").collect()
    }

    /// The requests of one method so far, in order of arrival.
    pub fn requests<M: Message + Default>(&self) -> Vec<M> {
        let name = std::any::type_name::<M>().rsplit("::").next().unwrap();
        let method = name.strip_suffix("Request").unwrap();
        self.received()
            .iter()
            .filter(|call| call.method == method)
            .map(|call| M::decode(call.message.as_slice()).unwrap())
            .collect()
    }

    /// Waits until a method was called so often.
    pub async fn wait_for(&self, method: &str, count: usize) {
        let mut received = self.script.received.subscribe();
        let has_come = received
            .wait_for(|calls| calls.iter().filter(|call| call.method == method).count() >= count);
        let came = tokio::time::timeout(PATIENCE, has_come).await.is_ok();
        assert!(came, "{method} did not come {count} times, but {:?}", self.methods());
    }

    /// Waits until the client gave up a call that was met with silence.
    pub async fn wait_for_cancel(&self) {
        let mut cancelled = self.script.cancelled.subscribe();
        let is_cancelled = cancelled.wait_for(|count| *count > 0);
        tokio::time::timeout(PATIENCE, is_cancelled).await.expect("a cancelled call").unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// Listens on an address, once a server that was dropped has let it go.
fn bind(address: &str) -> TcpListener {
    let began = Instant::now();
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) => assert!(began.elapsed() < PATIENCE, "{address}: {error}"),
        }
        std::thread::yield_now();
    }
}

struct Scripted(Arc<Script>);

impl Scripted {
    /// Writes a call down, and answers it.
    async fn answer<Q: Message, A>(
        &self,
        method: &'static str,
        request: &Request<Q>,
        answer: Answer<A>,
    ) -> Result<Response<A>, Status> {
        let message = request.get_ref().encode_to_vec();
        let call = Received { method, metadata: request.metadata().clone(), message };
        self.0.received.send_modify(|calls| calls.push(call));
        match answer {
            Some(answer) => answer.map(Response::new),
            None => {
                struct Cancelled<'a>(&'a Script);
                impl Drop for Cancelled<'_> {
                    fn drop(&mut self) {
                        self.0.cancelled.send_modify(|count| *count += 1);
                    }
                }
                let _until_then = Cancelled(&self.0);
                std::future::pending().await
            }
        }
    }

    fn next<A>(answers: &Mutex<VecDeque<Answer<A>>>, standing: Answer<A>) -> Answer<A> {
        answers.lock().unwrap().pop_front().unwrap_or(standing)
    }
}

#[tonic::async_trait]
impl SuggestionService for Scripted {
    async fn get_suggestion(
        &self,
        request: Request<pb::GetSuggestionRequest>,
    ) -> Result<Response<pb::GetSuggestionResponse>, Status> {
        let answer = Self::next(&self.0.suggestions, finished());
        self.answer("GetSuggestion", &request, answer).await
    }

    async fn report_metric(
        &self,
        request: Request<pb::ReportMetricRequest>,
    ) -> Result<Response<pb::ReportMetricResponse>, Status> {
        let is_last = request.get_ref().step >= 3;
        let verdict = if is_last { pb::Verdict::Stop } else { pb::Verdict::Continue };
        let answer = Self::next(&self.0.reports, decided(verdict));
        self.answer("ReportMetric", &request, answer).await
    }

    async fn should_stop(
        &self,
        request: Request<pb::ShouldStopRequest>,
    ) -> Result<Response<pb::ShouldStopResponse>, Status> {
        self.answer("ShouldStop", &request, Some(Ok(pb::ShouldStopResponse::default()))).await
    }

    async fn heartbeat(
        &self,
        request: Request<pb::HeartbeatRequest>,
    ) -> Result<Response<pb::HeartbeatResponse>, Status> {
        let answer = Self::next(&self.0.heartbeats, beaten(pb::Verdict::Continue));
        self.answer("Heartbeat", &request, answer).await
    }

    async fn report_checkpoint(
        &self,
        request: Request<pb::ReportCheckpointRequest>,
    ) -> Result<Response<pb::ReportCheckpointResponse>, Status> {
        let decision = Some(decision(pb::Verdict::Continue));
        let answer = Some(Ok(pb::ReportCheckpointResponse { decision }));
        self.answer("ReportCheckpoint", &request, answer).await
    }

    async fn complete_trial(
        &self,
        request: Request<pb::CompleteTrialRequest>,
    ) -> Result<Response<pb::CompleteTrialResponse>, Status> {
        let answer = Some(Ok(pb::CompleteTrialResponse::default()));
        self.answer("CompleteTrial", &request, answer).await
    }

    async fn fail_trial(
        &self,
        request: Request<pb::FailTrialRequest>,
    ) -> Result<Response<pb::FailTrialResponse>, Status> {
        self.answer("FailTrial", &request, Some(Ok(pb::FailTrialResponse::default()))).await
    }

    async fn release_trial(
        &self,
        request: Request<pb::ReleaseTrialRequest>,
    ) -> Result<Response<pb::ReleaseTrialResponse>, Status> {
        let standing = Some(Ok(pb::ReleaseTrialResponse::default()));
        let answer = Self::next(&self.0.releases, standing);
        self.answer("ReleaseTrial", &request, answer).await
    }

    type TrainingSessionStream =
        UnboundedReceiverStream<Result<pb::TrainingSessionResponse, Status>>;

    async fn training_session(
        &self,
        request: Request<Streaming<pb::TrainingSessionRequest>>,
    ) -> Result<Response<Self::TrainingSessionStream>, Status> {
        let (answers, stream) = mpsc::unbounded_channel();
        let index = self.0.opened.borrow().len();
        let opened = Opened {
            metadata: request.metadata().clone(),
            messages: Vec::new(),
            is_ended: false,
            answers: answers.downgrade(),
        };
        self.0.opened.send_modify(|sessions| sessions.push(opened));
        let sessions = *self.0.sessions.lock().unwrap();
        match sessions {
            Sessions::Unimplemented => return Err(Status::unimplemented("no sessions here")),
            Sessions::Refused(code) => return Err(Status::new(code, "refused as scripted")),
            Sessions::Carried | Sessions::Silent => {}
        }
        let scripted = Self(Arc::clone(&self.0));
        let mut messages = request.into_inner();
        tokio::spawn(async move {
            while let Ok(message) = messages.message().await {
                let Some(message) = message else {
                    scripted.0.opened.send_modify(|sessions| sessions[index].is_ended = true);
                    return;
                };
                let asked = message.clone();
                scripted.0.opened.send_modify(|sessions| sessions[index].messages.push(asked));
                if matches!(sessions, Sessions::Carried) {
                    let (scripted, answers) = (Self(Arc::clone(&scripted.0)), answers.clone());
                    tokio::spawn(async move {
                        let response = Some(scripted.carry_out(message.request.unwrap()).await);
                        let request_number = message.request_number;
                        let answer = pb::TrainingSessionResponse { request_number, response };
                        let _ = answers.send(Ok(answer)); // its client may have gone
                    });
                }
            }
        });
        Ok(Response::new(UnboundedReceiverStream::new(stream)))
    }
}

// Answers, with what most tests do not care about filled in.

pub fn assignment(trial_number: i64) -> pb::Assignment {
    pb::Assignment {
        experiment_id: "digits".into(),
        trial_number,
        kind: pb::AssignmentKind::New.into(),
        lease: Some(lease(&format!("lease-{trial_number}"), Duration::from_secs(60))),
        parameters: vec![parameter("lr", pb::parameter_value::Kind::DoubleValue(0.1))],
        trial_seed: 7,
        next_decision_step: 3,
        max_length: 3,
        metric: "val_loss".into(),
        ..Default::default()
    }
}

pub fn lease(token: &str, ttl: Duration) -> pb::Lease {
    let ttl = Some(ttl.try_into().unwrap());
    pb::Lease { token: token.into(), attempt: 1, ttl, expire_time: None }
}

pub fn parameter(name: &str, kind: pb::parameter_value::Kind) -> pb::Parameter {
    pb::Parameter { name: name.into(), value: Some(pb::ParameterValue { kind: Some(kind) }) }
}

pub fn suggestion(result: Suggestion) -> Answer<pb::GetSuggestionResponse> {
    Some(Ok(pb::GetSuggestionResponse { result: Some(result) }))
}

pub fn assigned(trial_number: i64) -> Answer<pb::GetSuggestionResponse> {
    suggestion(Suggestion::Assignment(assignment(trial_number)))
}

/// A trial whose lease wants a heartbeat every 10 ms.
pub fn briefly_assigned(trial_number: i64) -> Answer<pb::GetSuggestionResponse> {
    let token = format!("lease-{trial_number}");
    let lease = Some(lease(&token, Duration::from_millis(30)));
    suggestion(Suggestion::Assignment(pb::Assignment { lease, ..assignment(trial_number) }))
}

pub fn finished() -> Answer<pb::GetSuggestionResponse> {
    suggestion(Suggestion::Finished(pb::Finished::default()))
}

pub fn waiting() -> Answer<pb::GetSuggestionResponse> {
    let retry_after = Some(Duration::from_millis(10).try_into().unwrap());
    suggestion(Suggestion::Wait(pb::Wait { retry_after, reason: 1 }))
}

pub fn decision(verdict: pb::Verdict) -> pb::Decision {
    let reason = pb::DecisionReason::BetweenRungs.into();
    pb::Decision { verdict: verdict.into(), reason, rung: -1, ..Default::default() }
}

pub fn decided(verdict: pb::Verdict) -> Answer<pb::ReportMetricResponse> {
    let decision = Some(decision(verdict));
    Some(Ok(pb::ReportMetricResponse { decision, ..Default::default() }))
}

/// The answer to a heartbeat; a short lease goes with CONTINUE.
pub fn beaten(verdict: pb::Verdict) -> Answer<pb::HeartbeatResponse> {
    let goes_on = verdict == pb::Verdict::Continue;
    let lease = goes_on.then(|| lease("", Duration::from_millis(30)));
    Some(Ok(pb::HeartbeatResponse { lease, decision: Some(decision(verdict)) }))
}

/// An error without details, as a proxy answers.
pub fn refused<T>(code: Code) -> Answer<T> {
    Some(Err(Status::new(code, "refused as scripted")))
}

/// An error with the details of our server.
pub fn refused_because<T>(code: Code, reason: &str, details: &[prost_types::Any]) -> Answer<T> {
    let metadata = [("verdict".to_owned(), "CONTINUE".to_owned())].into();
    let info = rpc::ErrorInfo { reason: reason.into(), domain: "asha.v1".into(), metadata };
    let mut details = details.to_vec();
    details.push(detail("ErrorInfo", &info));
    let status = rpc::Status { code: code as i32, message: "refused as scripted".into(), details };
    let details = status.encode_to_vec().into();
    Some(Err(Status::with_details(code, "refused as scripted", details)))
}

pub fn detail(name: &str, message: &impl Message) -> prost_types::Any {
    let type_url = format!("type.googleapis.com/google.rpc.{name}");
    prost_types::Any { type_url, value: message.encode_to_vec() }
}

pub fn retry_info(delay: Duration) -> prost_types::Any {
    detail("RetryInfo", &rpc::RetryInfo { retry_delay: Some(delay.try_into().unwrap()) })
}
