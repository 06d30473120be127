//! One trial in this worker's hands, and every rule about it.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tonic::Code;

use crate::connection::{CallOptions, Connection};
use crate::failure::{Cause, cause_of, clipped};
use crate::pb::{self, FailureKind, Method};
use crate::session::Follower;
use crate::value::{self, Value};
use crate::{BoxError, Decision, Error, Failure, decision};

/// How long a worker that goes away tries to give its trial back; then the lease expires.
const FAREWELL: Duration = Duration::from_secs(2);

/// One trial as it was handed to this worker. Clones are the same trial.
///
/// Its lease is kept alive in the background. What the server decides is known at once by
/// [`Trial::decision`] and ends [`Trial::steps`], also between reports.
#[derive(Clone)]
pub struct Trial {
    shared: Arc<Shared>,
}

struct Shared {
    connection: Arc<Connection>,
    assignment: pb::Assignment,
    attempt: i64,
    token: String,
    kind: String,
    parameters: Vec<(String, Value)>,
    state: watch::Sender<State>,
}

impl Follower for Shared {
    fn hear(&self, decision: Decision) {
        self.state.send_modify(|state| state.note(decision));
    }
}

/// What has become of the attempt so far.
struct State {
    decision: Option<Decision>,
    /// Whether this worker completed, failed or released the trial.
    is_ended: bool,
    /// Whether the call that ends it is on its way.
    is_ending: bool,
    /// Whether this worker goes away.
    is_leaving: bool,
    has_reported: bool,
    failure: Option<FailureKind>,
    last_step: i64,
    next_decision_step: i64,
    renewed_at: Instant,
    ttl: Duration,
}

impl State {
    fn has_verdict(&self) -> bool {
        self.decision.as_ref().is_some_and(Decision::should_stop)
    }

    /// Whether there is still a lease to keep, and to give back.
    fn is_held(&self) -> bool {
        !self.is_ended && !self.has_verdict()
    }

    /// Takes a decision in; STOP and PAUSE never change once said.
    fn note(&mut self, decision: Decision) {
        if !self.has_verdict() {
            self.decision = Some(decision);
        }
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.borrow();
        formatter
            .debug_struct("Trial")
            .field("experiment_id", &self.experiment_id())
            .field("number", &self.number())
            .field("attempt", &self.attempt())
            .field("kind", &self.kind())
            .field("last_step", &state.last_step)
            .field("decision", &state.decision)
            .finish_non_exhaustive()
    }
}

/// What was handed out.
impl Trial {
    /// Takes an assignment, and begins to keep its lease alive.
    pub(crate) fn new(mut assignment: pb::Assignment, connection: Arc<Connection>) -> Self {
        let lease = assignment.lease.take().unwrap_or_default();
        let state = State {
            decision: None,
            is_ended: false,
            is_ending: false,
            is_leaving: false,
            has_reported: false,
            failure: None,
            last_step: assignment.start_step,
            next_decision_step: assignment.next_decision_step,
            renewed_at: Instant::now(),
            ttl: ttl_of(&lease).unwrap_or(Duration::from_secs(60)),
        };
        let shared = Shared {
            connection,
            attempt: lease.attempt,
            token: lease.token,
            kind: decision::name(
                assignment.kind,
                "ASSIGNMENT_KIND_",
                pb::AssignmentKind::as_str_name,
            ),
            parameters: assignment.parameters.drain(..).map(value::decode).collect(),
            assignment,
            state: watch::Sender::new(state),
        };
        let trial = Self { shared: Arc::new(shared) };
        let follower = Arc::downgrade(&trial.shared);
        trial.shared.connection.follow(&trial.shared.assignment, trial.attempt(), follower);
        trial.shared.connection.handle().spawn(trial.clone().keep_alive());
        trial
    }

    /// The experiment's id.
    pub fn experiment_id(&self) -> &str {
        &self.shared.assignment.experiment_id
    }

    /// Its number in the experiment, 0-based.
    pub fn number(&self) -> i64 {
        self.shared.assignment.trial_number
    }

    /// Number of this attempt, from 1.
    pub fn attempt(&self) -> i64 {
        self.shared.attempt
    }

    /// NEW, PROMOTED, RETRIED, RESUMED or ENQUEUED; any other text of a newer server.
    pub fn kind(&self) -> &str {
        &self.shared.kind
    }

    /// The configuration by full name (`optimizer.momentum`), in declared order.
    pub fn parameters(&self) -> &[(String, Value)] {
        &self.shared.parameters
    }

    /// One value of the configuration; none if it has no such parameter.
    pub fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters().iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The number that the experiment declares under this name.
    ///
    /// # Errors
    ///
    /// There is none, or it is of another type.
    pub fn double(&self, name: &str) -> Result<f64, Failure> {
        self.typed(name, "double", |value| match value {
            Value::Double(number) => Some(*number),
            _ => None,
        })
    }

    /// The integer that the experiment declares under this name.
    ///
    /// # Errors
    ///
    /// There is none, or it is of another type.
    pub fn int(&self, name: &str) -> Result<i64, Failure> {
        self.typed(name, "int", |value| match value {
            Value::Int(number) => Some(*number),
            _ => None,
        })
    }

    /// The text that the experiment declares under this name.
    ///
    /// # Errors
    ///
    /// There is none, or it is of another type.
    pub fn string(&self, name: &str) -> Result<&str, Failure> {
        self.typed(name, "string", |value| match value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The boolean that the experiment declares under this name.
    ///
    /// # Errors
    ///
    /// There is none, or it is of another type.
    pub fn bool(&self, name: &str) -> Result<bool, Failure> {
        self.typed(name, "bool", |value| match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        })
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, Failure> {
        let value = self.parameter(name);
        value.and_then(read).ok_or_else(|| {
            Failure::retryable(match value {
                Some(value) => format!("the parameter {name:?} is no {kind} but {value:?}"),
                None => format!("the experiment has no parameter {name:?}"),
            })
        })
    }

    /// For the training's randomness, below 2^31.
    pub fn seed(&self) -> u32 {
        self.shared.assignment.trial_seed
    }

    /// Resume at this step, in units; 0 = from scratch.
    pub fn start_step(&self) -> i64 {
        self.shared.assignment.start_step
    }

    /// What to load before training, a path or URI; none = from scratch.
    pub fn checkpoint(&self) -> Option<&str> {
        Some(self.shared.assignment.checkpoint_uri.as_str()).filter(|uri| !uri.is_empty())
    }

    /// Units that a surviving trial trains in all.
    pub fn max_length(&self) -> i64 {
        self.shared.assignment.max_length
    }

    /// The unit's name, for people; may be empty.
    pub fn unit(&self) -> &str {
        &self.shared.assignment.unit
    }

    /// Name of the search metric; reports without it decide nothing.
    pub fn metric(&self) -> &str {
        &self.shared.assignment.metric
    }

    /// Index of the trial's bracket.
    pub fn bracket(&self) -> i32 {
        self.shared.assignment.bracket
    }

    /// Index of the rung it trains towards.
    pub fn rung(&self) -> i32 {
        self.shared.assignment.rung
    }
}

/// What has become of it.
impl Trial {
    /// The newest decision, by a report, a heartbeat or the server's own accord; none before the
    /// first. No call.
    pub fn decision(&self) -> Option<Decision> {
        self.shared.state.borrow().decision.clone()
    }

    /// Whether to leave off training: STOP or PAUSE was said, or the trial has ended here. No call.
    pub fn should_stop(&self) -> bool {
        !self.shared.state.borrow().is_held()
    }

    /// Completes when [`Trial::should_stop`] comes to hold.
    pub async fn stopped(&self) {
        self.until(|state| !state.is_held()).await;
    }

    /// Train at least this far, then report, in units; 0 after STOP and PAUSE.
    pub fn next_decision_step(&self) -> i64 {
        let state = self.shared.state.borrow();
        if state.has_verdict() { 0 } else { state.next_decision_step }
    }

    /// Whether a report at this step should name a checkpoint: it may be answered PAUSE.
    pub fn needs_checkpoint(&self, step: i64) -> bool {
        step >= self.next_decision_step()
    }

    /// The steps to train, from the last reported (or `start_step`) + 1 to `max_length`. Ends by
    /// itself on STOP and PAUSE.
    pub fn steps(&self) -> Steps {
        let first = self.shared.state.borrow().last_step + 1;
        // One that starts at max_length (it was saved, and its report was lost) has a report to make.
        Steps { trial: self.clone(), next: first.min(self.max_length()) }
    }

    async fn until(&self, condition: fn(&State) -> bool) {
        // An error means that the sender is gone, and it is held by self.
        let _ = self.shared.state.subscribe().wait_for(condition).await;
    }
}

/// What is told to the server.
impl Trial {
    /// Reports metrics, and answers what was decided once both are durable.
    ///
    /// A lost lease and a step that was reported before with another value are no errors: the one is
    /// STOP, the other warns and is the decision that stands.
    ///
    /// # Errors
    ///
    /// What the server refused for good.
    pub async fn report<N: Into<String>>(
        &self,
        step: i64,
        metrics: impl IntoIterator<Item = (N, f64)>,
    ) -> Result<Decision, Error> {
        self.report_with_checkpoint(step, metrics, "").await
    }

    /// The same with the checkpoint that would resume at this step, complete: a path or URI that
    /// every worker can read. Needed where [`Trial::needs_checkpoint`] says so.
    ///
    /// # Errors
    ///
    /// What the server refused for good.
    pub async fn report_with_checkpoint<N: Into<String>>(
        &self,
        step: i64,
        metrics: impl IntoIterator<Item = (N, f64)>,
        checkpoint: impl Into<String>,
    ) -> Result<Decision, Error> {
        let request = pb::ReportMetricRequest {
            experiment_id: self.experiment_id().into(),
            trial_number: self.number(),
            lease_token: self.shared.token.clone(),
            step,
            metrics: metrics
                .into_iter()
                .map(|(name, value)| pb::MetricValue { name: name.into(), value })
                .collect(),
            checkpoint_uri: checkpoint.into(),
        };
        let decision = match self.call(&request).await {
            Ok(response) => {
                self.note_renewal(None);
                Decision {
                    deletable_checkpoints: response.deletable_checkpoint_uris,
                    ..response.decision.unwrap_or_default().into()
                }
            }
            Err(error) if error.reason() == "METRIC_CONFLICT" => {
                tracing::warn!(
                    "step {step} of trial {} was reported before with another value; the first one \
                     stands and the training goes on: {error}",
                    self.number(),
                );
                self.recorded(&error, step, request.checkpoint_uri).await?
            }
            Err(error) if error.is_lost() => {
                tracing::warn!("trial {} ends on this worker: {error}", self.number());
                Decision::stop(error.reason())
            }
            Err(error) => return Err(error),
        };
        self.shared.state.send_modify(|state| {
            state.has_reported |= decision.reason != "LEASE_LOST";
            state.last_step = state.last_step.max(step);
            state.next_decision_step = state.next_decision_step.max(decision.next_decision_step);
            state.note(decision.clone());
        });
        Ok(decision)
    }

    /// The decision that stands for a step with another value, its checkpoint told.
    async fn recorded(
        &self,
        error: &Error,
        step: i64,
        checkpoint: String,
    ) -> Result<Decision, Error> {
        if !checkpoint.is_empty() {
            self.report_checkpoint(step, checkpoint).await?;
        }
        match self.call(&self.heartbeat()).await {
            Ok(pb::HeartbeatResponse { decision: Some(decision), .. }) => Ok(decision.into()),
            Ok(_) => {
                let text = |key| error.metadata().get(key).map(String::as_str);
                let verdict = pb::Verdict::from_str_name(text("verdict").unwrap_or_default());
                let verdict = verdict.unwrap_or_default().into();
                let decision = pb::Decision { verdict, rung: -1, ..Default::default() };
                let reason = text("decision_reason").unwrap_or_default().to_owned();
                Ok(Decision { reason, ..decision.into() })
            }
            Err(error) if error.is_lost() => Ok(Decision::stop(error.reason())),
            Err(error) => Err(error),
        }
    }

    /// Tells of a complete checkpoint between reports. One that comes too late is only logged.
    ///
    /// # Errors
    ///
    /// What the server refused for good.
    pub async fn report_checkpoint(&self, step: i64, uri: impl Into<String>) -> Result<(), Error> {
        let request = pb::ReportCheckpointRequest {
            experiment_id: self.experiment_id().into(),
            trial_number: self.number(),
            lease_token: self.shared.token.clone(),
            step,
            checkpoint_uri: uri.into(),
        };
        let decision = match self.call(&request).await {
            Ok(response) => {
                self.note_renewal(None);
                response.decision.unwrap_or_default().into()
            }
            Err(error) if error.is_lost() => {
                tracing::warn!("a checkpoint of trial {} came too late: {error}", self.number());
                Decision::stop(error.reason())
            }
            Err(error) => return Err(error),
        };
        self.note(decision);
        Ok(())
    }

    /// The training ended by itself before `max_length`: its last value counts.
    ///
    /// After STOP or PAUSE this and its likes send nothing.
    ///
    /// # Errors
    ///
    /// What the server refused for good.
    pub async fn complete(&self) -> Result<(), Error> {
        let request = pb::CompleteTrialRequest {
            experiment_id: self.experiment_id().into(),
            trial_number: self.number(),
            lease_token: self.shared.token.clone(),
        };
        self.end(request, CallOptions::default()).await
    }

    /// The training failed.
    ///
    /// # Errors
    ///
    /// What the server refused for good.
    pub async fn fail(&self, failure: Failure) -> Result<(), Error> {
        self.shared.state.send_if_modified(|state| {
            let is_held = state.is_held();
            if is_held {
                state.failure = Some(failure.kind);
            }
            is_held
        });
        self.end(self.failed(failure), CallOptions::default()).await
    }

    fn failed(&self, failure: Failure) -> pb::FailTrialRequest {
        pb::FailTrialRequest {
            experiment_id: self.experiment_id().into(),
            trial_number: self.number(),
            lease_token: self.shared.token.clone(),
            kind: failure.kind.into(),
            message: clipped(failure.message),
        }
    }

    /// Gives the trial back: another worker goes on from its last checkpoint, and it does not count.
    ///
    /// # Errors
    ///
    /// What the server refused for good.
    pub async fn release(&self, reason: &str) -> Result<(), Error> {
        self.end(self.released(reason), CallOptions::default()).await
    }

    fn released(&self, reason: &str) -> pb::ReleaseTrialRequest {
        pb::ReleaseTrialRequest {
            experiment_id: self.experiment_id().into(),
            trial_number: self.number(),
            lease_token: self.shared.token.clone(),
            reason: clipped(reason.into()),
        }
    }

    /// Ends the trial as the outcome of its training demands: completed if there is no verdict yet;
    /// failed as a [`Failure`] says, or `Retryable` for any other error.
    ///
    /// An [`Error`] of this crate, wrapped or not, is never the training's fault: the trial is
    /// released, and the error comes back.
    ///
    /// # Errors
    ///
    /// That, and what the server refused for good.
    pub async fn finish(&self, outcome: Result<(), BoxError>) -> Result<(), Error> {
        let Err(error) = outcome else {
            return self.complete().await;
        };
        match cause_of(&*error) {
            Cause::Training(failure) => {
                tracing::warn!("trial {} failed: {failure}", self.number());
                self.fail(failure).await
            }
            Cause::Server(error) => {
                self.farewell("the client failed").await;
                Err(error)
            }
        }
    }

    /// Ends the attempt with one call, once, whether or not the caller waits for it.
    async fn end<M: Method + Send + 'static>(
        &self,
        request: M,
        options: CallOptions,
    ) -> Result<(), Error> {
        let mut was_held = false;
        self.shared.state.send_modify(|state| {
            was_held = state.is_held();
            state.is_ended = true;
            state.is_ending |= was_held;
        });
        let connection = &self.shared.connection;
        let trial = self.clone();
        let ending = async move {
            if !was_held {
                trial.until(|state| !state.is_ending).await;
                return Ok(());
            }
            let answer = trial.shared.connection.call(&request, options).await;
            trial.shared.state.send_modify(|state| state.is_ending = false);
            match answer {
                Err(error) if error.is_lost() || error.code() == Some(Code::NotFound) => {
                    tracing::warn!(
                        "trial {} had left this worker already: {error}",
                        trial.number()
                    );
                    Ok(())
                }
                answer => answer.map(drop),
            }
        };
        let patience = async {
            self.until(|state| state.is_leaving).await;
            connection.sleep(FAREWELL).await;
        };
        tokio::select! {
            answer = connection.finish(ending) => answer,
            () = patience => Ok(()), // the lease is the net
        }
    }

    /// Gives the trial back in the time that a worker has which goes away.
    pub(crate) async fn farewell(&self, reason: &str) {
        self.shared.state.send_modify(|state| state.is_leaving = true);
        self.note_end(self.end(self.released(reason), in_haste()).await);
    }

    /// Ends a trial that its worker dropped: failed by a panic, else released. Blocks.
    pub(crate) fn abandon(&self) {
        let trial = self.clone();
        let is_panicking = std::thread::panicking();
        let ending = async move {
            let outcome = if is_panicking {
                let failure = Failure::retryable("the training code panicked");
                trial.end(trial.failed(failure), in_haste()).await
            } else {
                trial.end(trial.released("the loop was left"), in_haste()).await
            };
            trial.note_end(outcome);
        };
        let is_settled = {
            let state = self.shared.state.borrow();
            !state.is_held() && !state.is_ending
        };
        if !is_settled {
            self.shared.connection.finish_blocking(ending, FAREWELL);
        }
    }

    fn note_end(&self, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            tracing::warn!(
                "trial {} could not be given back; it is handed on when its lease expires: {error}",
                self.number(),
            );
        }
    }

    /// Whether this attempt speaks for its worker (false), against it (true), or neither.
    pub(crate) fn counts_as_failure(&self) -> Option<bool> {
        let state = self.shared.state.borrow();
        match state.failure {
            Some(FailureKind::Infeasible) => None,
            failure => Some(failure.is_some() && !state.has_reported),
        }
    }

    /// The answer to a request about the trial, for as long as this worker has it.
    async fn call<M: Method>(&self, request: &M) -> Result<M::Response, Error> {
        tokio::select! {
            biased;
            () = self.until(|state| state.is_ended) => {
                Err(Error::with_reason("TRIAL_ENDED", "this worker let the trial go"))
            }
            answer = self.shared.connection.call(request, CallOptions::default()) => answer,
        }
    }

    fn note(&self, decision: Decision) {
        self.shared.hear(decision);
    }
}

/// The lease.
impl Trial {
    /// Sends a heartbeat whenever nothing renewed the lease for a third of its ttl, through every
    /// failure of network and server, until the trial has its verdict or has ended.
    async fn keep_alive(self) {
        tokio::select! {
            () = self.stopped() => {}
            () = self.beat_on() => {}
        }
    }

    async fn beat_on(&self) {
        let mut failures = 0;
        loop {
            let (renewed_at, interval) = {
                let state = self.shared.state.borrow();
                (state.renewed_at, state.ttl / 3)
            };
            if failures > 0 {
                let backoff = self.shared.connection.settings.backoff(failures);
                tokio::time::sleep(backoff.min(interval)).await;
            } else if renewed_at.elapsed() < interval {
                sleep_until(renewed_at + interval).await;
                continue; // a report may have renewed it meanwhile
            }
            match self.beat(interval).await {
                ControlFlow::Break(()) => return,
                ControlFlow::Continue(true) => failures = 0,
                ControlFlow::Continue(false) => failures += 1,
            }
        }
    }

    /// One heartbeat; whether to go on, and whether it was answered.
    async fn beat(&self, interval: Duration) -> ControlFlow<(), bool> {
        let connection = &self.shared.connection;
        let options = CallOptions {
            deadline: Some(connection.settings.deadline.min(interval.max(Duration::from_secs(1)))),
            retry_for: Some(Duration::ZERO),
        };
        match connection.call(&self.heartbeat(), options).await {
            Ok(response) => {
                self.note_renewal(response.lease.as_ref().and_then(ttl_of));
                self.note(response.decision.unwrap_or_default().into());
                ControlFlow::Continue(true)
            }
            Err(error) if error.is_lost() || error.code() == Some(Code::NotFound) => {
                tracing::warn!("{error}; this worker leaves off at the next step");
                self.note(Decision::stop(error.reason()));
                ControlFlow::Break(())
            }
            Err(error) if error.is_retryable() => {
                tracing::debug!("a heartbeat failed, trying on: {error}");
                ControlFlow::Continue(false)
            }
            Err(error) => {
                tracing::warn!("a heartbeat failed, trying on: {error}");
                ControlFlow::Continue(false)
            }
        }
    }

    fn heartbeat(&self) -> pb::HeartbeatRequest {
        pb::HeartbeatRequest {
            experiment_id: self.experiment_id().into(),
            trial_number: self.number(),
            lease_token: self.shared.token.clone(),
        }
    }

    /// The lease was renewed just now, for so long or as long as before.
    fn note_renewal(&self, ttl: Option<Duration>) {
        self.shared.state.send_modify(|state| {
            state.renewed_at = Instant::now();
            state.ttl = ttl.unwrap_or(state.ttl);
        });
    }
}

/// How long a lease lasts; none if it does not say.
fn ttl_of(lease: &pb::Lease) -> Option<Duration> {
    let ttl: Duration = lease.ttl?.try_into().ok()?;
    Some(ttl).filter(|ttl| !ttl.is_zero())
}

fn in_haste() -> CallOptions {
    CallOptions { deadline: Some(FAREWELL), retry_for: Some(FAREWELL) }
}

/// The steps of a trial that are left to train; see [`Trial::steps`].
#[derive(Debug)]
pub struct Steps {
    trial: Trial,
    next: i64,
}

impl Iterator for Steps {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        if self.next > self.trial.max_length() || self.trial.should_stop() {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }
}
