//! One stream for the calls of a worker: less work a call, and decisions that nobody asked for.
//!
//! A session carries the same messages as the unary calls, so whatever is not answered when its
//! stream breaks is sent again, on the next one or as a unary call. A server or a proxy that does not
//! carry streams is noticed by the first one, and spoken to with unary calls for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use prost::bytes::Bytes;
use prost::{DecodeError, Message};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::connection::Connection;
use crate::pb::report_result::Result as ReportAnswer;
use crate::pb::training_session_request::Request as Asked;
use crate::pb::training_session_response::Response as Answer;
use crate::pb::{self, Method as _};
use crate::{Decision, Error};

const PATH: &str = "/asha.v1.SuggestionService/TrainingSession";

/// When a session is tried again with a server that refused one.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(600);

/// After so many streams in a row that broke before any answer, a unary call is tried between.
const FRUITLESS_MAX: u32 = 3;

/// How long a stream that is closed may take to end.
const CLOSING: Duration = Duration::from_millis(200);

/// An attempt that wants to hear what is decided about it.
pub(crate) trait Follower: Send + Sync {
    /// The server said what is to become of it.
    fn hear(&self, decision: Decision);
}

/// Who follows which experiment, trial and attempt.
type Followers = Mutex<HashMap<(String, i64, i64), Weak<dyn Follower>>>;

/// The session of a connection: opened by the first call, and again after it broke.
#[derive(Default)]
pub(crate) struct Session {
    state: Mutex<State>,
    followers: Arc<Followers>,
}

#[derive(Default)]
struct State {
    stream: Option<Arc<Stream>>,
    refused_until: Option<Instant>,
    /// Streams in a row that broke before any answer.
    fruitless: u32,
}

impl State {
    /// Whether the stream was the one for the next call, and is no more.
    fn leave(&mut self, stream: &Arc<Stream>) -> bool {
        self.stream.take_if(|current| Arc::ptr_eq(current, stream)).is_some()
    }
}

impl Session {
    /// Tells an attempt, for as long as it lives, what is decided about it unasked.
    pub(crate) fn follow(
        &self,
        assignment: &pb::Assignment,
        attempt: i64,
        who: Weak<dyn Follower>,
    ) {
        let key = (assignment.experiment_id.clone(), assignment.trial_number, attempt);
        let mut followers = lock(&self.followers);
        followers.retain(|_, follower| follower.strong_count() > 0);
        followers.insert(key, who);
    }

    /// The answer to what would be a unary call; none: there are no sessions, use that.
    pub(crate) async fn ask(
        &self,
        connection: &Connection,
        request: Asked,
        deadline: Duration,
    ) -> Option<Result<Answer, Error>> {
        let stream = self.opened(connection)?;
        let asked_at = Instant::now();
        match timeout(deadline, stream.ask(request)).await {
            Ok(Ok(answer)) => Some(Ok(answer)),
            Ok(Err(end)) => self.broken(&stream, &end).map(Err),
            Err(_) => {
                let is_silent = stream.shared.heard_at().is_none_or(|heard| heard < asked_at);
                if is_silent && lock(&self.state).leave(&stream) {
                    connection.reconnect(); // it may be half open; who still waits on it, keeps it
                }
                let message = format!("no answer on the session for {} s", deadline.as_secs_f64());
                let error = Error::with_code(Code::DeadlineExceeded, message);
                if stream.has_answered() {
                    return Some(Err(error));
                }
                self.refuse(&stream, &error); // by a proxy that keeps back what has not ended
                None
            }
        }
    }

    fn opened(&self, connection: &Connection) -> Option<Arc<Stream>> {
        let mut state = lock(&self.state);
        if state.refused_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        if state.stream.as_ref().is_none_or(|stream| stream.is_over()) {
            state.stream = Some(Arc::new(Stream::open(connection, Arc::clone(&self.followers))));
        }
        state.stream.clone()
    }

    /// What a request meets whose stream ended first; none: use a unary call.
    fn broken(&self, stream: &Arc<Stream>, end: &Error) -> Option<Error> {
        let has_answered = stream.has_answered();
        let mut state = lock(&self.state);
        if state.leave(stream) {
            state.fruitless = if has_answered { 0 } else { state.fruitless + 1 };
        }
        if state.fruitless >= FRUITLESS_MAX {
            state.fruitless = 0;
            return None;
        }
        drop(state);
        // What refuses a stream before it ever answered does not carry streams, or has a word to say
        // that a unary call hears better.
        if !has_answered && end.code() != Some(Code::Unavailable) {
            self.refuse(stream, end);
            return None;
        }
        Some(end.as_broken_session())
    }

    fn refuse(&self, stream: &Arc<Stream>, error: &Error) {
        let mut state = lock(&self.state);
        state.leave(stream);
        if state.stream.is_none() {
            state.refused_until = Some(Instant::now() + TRY_AGAIN_AFTER);
            tracing::debug!("no sessions with this server, unary calls instead: {error}");
        }
    }

    /// Ends the stream: politely, unless an answer is due that nobody waits for.
    pub(crate) async fn close(&self) {
        let stream = lock(&self.state).stream.take().and_then(Arc::into_inner);
        if let Some(Stream { requests, shared, reader }) = stream
            && !shared.is_asked()
        {
            drop(requests);
            // What does not end in time is cut by the connection's end.
            let _ = timeout(CLOSING, reader).await;
        }
    }
}

/// One stream; half-closed when it is dropped.
struct Stream {
    requests: mpsc::UnboundedSender<pb::TrainingSessionRequest>,
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
}

/// What callers and the reader of a stream know of it.
#[derive(Default)]
struct Shared(Mutex<Exchange>);

/// What was asked and answered.
#[derive(Default)]
struct Exchange {
    /// Requests so far, and the number of the last.
    asked: u64,
    answered: u64,
    waiting: HashMap<u64, oneshot::Sender<Result<Answer, Error>>>,
    heard_at: Option<Instant>,
    end: Option<Error>,
}

impl Stream {
    fn open(connection: &Connection, followers: Arc<Followers>) -> Self {
        let (requests, outgoing) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let mut grpc = Grpc::new(connection.channel());
        let opening = async move {
            grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
            let outgoing = Request::new(UnboundedReceiverStream::new(outgoing));
            let codec = ProstCodec::default();
            Ok(grpc.streaming(outgoing, PathAndQuery::from_static(PATH), codec).await?.into_inner())
        };
        let reader = connection.handle().spawn({
            let shared = Arc::clone(&shared);
            async move {
                let end = match opening.await {
                    Ok(answers) => shared.read(answers, &followers).await,
                    Err(refusal) => refusal,
                };
                shared.end(&Error::from(end));
            }
        });
        Self { requests, shared, reader }
    }

    /// The answer to a request, or how the stream ended before.
    async fn ask(&self, request: Asked) -> Result<Answer, Error> {
        /// Forgets the request when the caller does.
        struct Waiting<'a>(&'a Shared, u64);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                lock(&self.0.0).waiting.remove(&self.1);
            }
        }
        let (sender, answer) = oneshot::channel();
        let _waiting = {
            let mut exchange = lock(&self.shared.0);
            if let Some(end) = &exchange.end {
                return Err(end.clone());
            }
            exchange.asked += 1;
            let request_number = exchange.asked;
            exchange.waiting.insert(request_number, sender);
            let request = pb::TrainingSessionRequest {
                request_number,
                request: Some(request),
                ..Default::default()
            };
            // An error means that the stream is ending, which the reader tells.
            let _ = self.requests.send(request);
            Waiting(&self.shared, request_number)
        };
        answer
            .await
            .unwrap_or_else(|_| Err(Error::with_code(Code::Unavailable, "the client ended")))
    }

    fn is_over(&self) -> bool {
        lock(&self.shared.0).end.is_some()
    }

    fn has_answered(&self) -> bool {
        self.shared.heard_at().is_some()
    }
}

impl Shared {
    /// Hands answers and pushed decisions on, until the stream ends.
    async fn read(
        &self,
        mut answers: Streaming<pb::TrainingSessionResponse>,
        followers: &Followers,
    ) -> Status {
        loop {
            let response = match answers.message().await {
                Ok(Some(response)) => response,
                Ok(None) => return Status::unavailable("the server ended it"),
                Err(status) => return status,
            };
            let mut exchange = lock(&self.0);
            exchange.heard_at = Some(Instant::now());
            match response.response {
                Some(Answer::Pushed(pushed)) => {
                    drop(exchange);
                    let key = (pushed.experiment_id, pushed.trial_number, pushed.attempt);
                    let follower = lock(followers).get(&key).and_then(Weak::upgrade);
                    if let Some(follower) = follower {
                        follower.hear(pushed.decision.unwrap_or_default().into());
                    }
                }
                answer => {
                    exchange.answered += 1;
                    if let Some(waiting) = exchange.waiting.remove(&response.request_number) {
                        // An error means that the caller has just left.
                        let _ = waiting.send(answer.ok_or_else(unreadable));
                    }
                }
            }
        }
    }

    fn end(&self, end: &Error) {
        let mut exchange = lock(&self.0);
        exchange.end = Some(end.clone());
        for (_, waiting) in exchange.waiting.drain() {
            let _ = waiting.send(Err(end.clone()));
        }
    }

    fn heard_at(&self) -> Option<Instant> {
        lock(&self.0).heard_at
    }

    /// Whether anything is not answered yet.
    fn is_asked(&self) -> bool {
        let exchange = lock(&self.0);
        exchange.end.is_none() && exchange.answered < exchange.asked
    }
}

/// What would be a unary call, as a request of a session; none: sessions do not carry it.
pub(crate) fn wrap(path: &str, message: &Bytes) -> Option<Asked> {
    fn read<M: Message + Default>(
        message: &Bytes,
        wrap: fn(M) -> Asked,
    ) -> Result<Asked, DecodeError> {
        M::decode(message.clone()).map(wrap)
    }
    let request = match path {
        pb::GetSuggestionRequest::PATH => read(message, Asked::GetSuggestion),
        pb::ReportMetricRequest::PATH => read(message, |report| {
            Asked::ReportMetrics(pb::ReportMetricsRequest { reports: vec![report] })
        }),
        pb::HeartbeatRequest::PATH => read(message, Asked::Heartbeat),
        pb::ReportCheckpointRequest::PATH => read(message, Asked::ReportCheckpoint),
        pb::CompleteTrialRequest::PATH => read(message, Asked::CompleteTrial),
        pb::FailTrialRequest::PATH => read(message, Asked::FailTrial),
        pb::ReleaseTrialRequest::PATH => read(message, Asked::ReleaseTrial),
        pb::ShouldStopRequest::PATH => read(message, Asked::ShouldStop),
        _ => return None,
    };
    request.ok()
}

/// An answer of a session as that of the unary call.
pub(crate) fn unwrap(path: &str, answer: Answer) -> Result<Bytes, Error> {
    let message = match (path, answer) {
        (_, Answer::Error(refusal)) => return Err(refusal.into()),
        (pb::GetSuggestionRequest::PATH, Answer::GetSuggestion(answer)) => answer.encode_to_vec(),
        (pb::ReportMetricRequest::PATH, Answer::ReportMetrics(answers)) => {
            match answers.results.into_iter().next().and_then(|report| report.result) {
                Some(ReportAnswer::Response(answer)) => answer.encode_to_vec(),
                Some(ReportAnswer::Error(refusal)) => return Err(refusal.into()),
                None => return Err(unreadable()),
            }
        }
        (pb::HeartbeatRequest::PATH, Answer::Heartbeat(answer)) => answer.encode_to_vec(),
        (pb::ReportCheckpointRequest::PATH, Answer::ReportCheckpoint(answer)) => {
            answer.encode_to_vec()
        }
        (pb::CompleteTrialRequest::PATH, Answer::CompleteTrial(answer)) => answer.encode_to_vec(),
        (pb::FailTrialRequest::PATH, Answer::FailTrial(answer)) => answer.encode_to_vec(),
        (pb::ReleaseTrialRequest::PATH, Answer::ReleaseTrial(answer)) => answer.encode_to_vec(),
        (pb::ShouldStopRequest::PATH, Answer::ShouldStop(answer)) => answer.encode_to_vec(),
        _ => return Err(unreadable()),
    };
    Ok(message.into())
}

fn unreadable() -> Error {
    Error::with_code(Code::Internal, "an answer on the session that cannot be read")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
