//! The loop of one worker over the trials of an experiment.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connection::{CallOptions, Connection};
use crate::identity::{ClaimedName, incarnation_id, random_id};
use crate::pb::get_suggestion_response::Result as Suggestion;
use crate::{BoxError, Error, Trial, decision, pb};

/// How long one ask is held open by the server.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Assignments in a row that may fail without a report before the worker gives up.
const FAILURE_LIMIT: u32 = 3;

/// The trials of one worker, one after the other, until the search is finished.
///
/// ```no_run
/// # async fn train(trial: &asha_client::Trial) -> Result<(), asha_client::Error> { Ok(()) }
/// # async fn example(experiment: asha_client::Experiment) -> Result<(), asha_client::Error> {
/// let mut trials = experiment.trials().shutdown_on(asha_client::termination());
/// while let Some(trial) = trials.next().await? {
///     train(&trial).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// [`Trials::next`] ends the trial before: without a verdict its training is complete. Dropped with
/// a trial in hand (by `break`, `return` or `?`) this releases it, and fails it if the thread
/// panics; that blocks for 2 seconds at most. [`Trials::run`] tells errors of the training.
pub struct Trials {
    experiment_id: String,
    worker_id: Option<String>,
    claimed: Option<ClaimedName>,
    connection: Arc<Connection>,
    hand: Arc<Hand>,
    /// Waits for the shutdown; ends with this.
    watchers: JoinSet<()>,
    failures: u32,
    long_poll: Duration,
}

/// The trial in hand, and whether this worker goes away.
#[derive(Default)]
struct Hand {
    trial: Mutex<Option<Trial>>,
    is_shut_down: watch::Sender<bool>,
}

impl Hand {
    fn trial(&self) -> Option<Trial> {
        self.trial.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, trial: Option<Trial>) {
        *self.trial.lock().unwrap_or_else(PoisonError::into_inner) = trial;
    }

    async fn shut_down(&self) {
        // An error means that the sender is gone, and it is held by self.
        let _ = self.is_shut_down.subscribe().wait_for(|is_shut_down| *is_shut_down).await;
    }
}

impl Trials {
    pub(crate) fn new(experiment_id: String, connection: Arc<Connection>) -> Self {
        Self {
            experiment_id,
            worker_id: None,
            claimed: None,
            connection,
            hand: Arc::default(),
            watchers: JoinSet::new(),
            failures: 0,
            long_poll: LONG_POLL,
        }
    }

    /// The worker's name, one trial at a time each; default: the Slurm job and task, the pod and
    /// container, else host, device and a random part, with a number after it while another worker
    /// of this machine has that name.
    #[must_use]
    pub fn worker_id(mut self, worker_id: impl Into<String>) -> Self {
        self.worker_id = Some(worker_id.into()).filter(|name| !name.is_empty());
        self
    }

    /// Goes away when the future completes, such as [`termination()`](crate::termination) or a
    /// `CancellationToken`'s: the trial in hand is released within 2 seconds, reports of it answer
    /// STOP / TRIAL_ENDED without a call, and [`Trials::next`] has no more.
    ///
    /// The future runs in a tokio runtime on the client's thread.
    #[must_use]
    pub fn shutdown_on(mut self, shutdown: impl Future<Output = ()> + Send + 'static) -> Self {
        let hand = Arc::clone(&self.hand);
        let watcher = async move {
            shutdown.await;
            hand.is_shut_down.send_replace(true);
            if let Some(trial) = hand.trial() {
                trial.farewell("the worker was told to shut down").await;
            }
        };
        self.watchers.spawn_on(watcher, self.connection.handle());
        self
    }

    /// The next trial; none when the search is finished, or this worker goes away.
    ///
    /// # Errors
    ///
    /// Three assignments in a row failed without a report (`WORKER_FAILING`); what the server
    /// refused for good.
    pub async fn next(&mut self) -> Result<Option<Trial>, Error> {
        if let Some(trial) = self.hand.trial() {
            trial.complete().await?;
            if let Some(is_failure) = trial.counts_as_failure() {
                self.failures = if is_failure { self.failures + 1 } else { 0 };
            }
            self.hand.hold(None);
        }
        let hand = Arc::clone(&self.hand);
        let assignment = tokio::select! {
            biased;
            () = hand.shut_down() => None,
            assignment = self.ask() => assignment?,
        };
        let Some(assignment) = assignment else {
            return Ok(None);
        };
        let trial = Trial::new(assignment, Arc::clone(&self.connection));
        hand.hold(Some(trial.clone()));
        if *hand.is_shut_down.borrow() {
            trial.farewell("the worker was told to shut down").await;
            return Ok(None);
        }
        Ok(Some(trial))
    }

    /// Trains every trial with a function, and ends it by the function's outcome; see
    /// [`Trial::finish`].
    ///
    /// Returns how many trials there were.
    ///
    /// # Errors
    ///
    /// As for [`Trials::next`], and an [`Error`] that the function returned.
    pub async fn run<F>(mut self, mut train: F) -> Result<u64, Error>
    where
        F: AsyncFnMut(Trial) -> Result<(), BoxError>,
    {
        let mut count = 0;
        while let Some(trial) = self.next().await? {
            count += 1;
            let outcome = train(trial.clone()).await;
            trial.finish(outcome).await?;
        }
        Ok(count)
    }

    /// Asks until there is work, or will be none.
    async fn ask(&mut self) -> Result<Option<pb::Assignment>, Error> {
        let worker_id = self.name();
        if self.failures >= FAILURE_LIMIT {
            return Err(Error::with_reason(
                "WORKER_FAILING",
                format!(
                    "{} assignments in a row failed on worker {worker_id} without a report; look at \
                     the failures' messages (asha trials), mend this machine or the training code, \
                     and start the worker again",
                    self.failures,
                ),
            ));
        }
        let mut waits_for = String::new();
        loop {
            let asked_at = Instant::now();
            let request = pb::GetSuggestionRequest {
                experiment_id: self.experiment_id.clone(),
                worker_id: worker_id.clone(),
                incarnation_id: incarnation_id().into(),
                request_id: random_id(),
                max_wait: self.long_poll.try_into().ok(),
                release_held: false,
            };
            let options = CallOptions {
                deadline: Some(self.long_poll + self.connection.settings.deadline),
                retry_for: None,
            };
            let wait = match self.connection.call(&request, options).await {
                Ok(response) => match response.result {
                    Some(Suggestion::Assignment(assignment)) => return Ok(Some(assignment)),
                    Some(Suggestion::Finished(finished)) => {
                        tracing::info!(
                            "experiment {} has ended: {}",
                            self.experiment_id,
                            finished.end_message,
                        );
                        return Ok(None);
                    }
                    Some(Suggestion::Wait(wait)) => wait,
                    None => pb::Wait::default(),
                },
                Err(error) if error.reason() == "LEASE_LOST" => {
                    self.connection.sleep(Duration::from_millis(100)).await;
                    continue; // a retry came so late that its attempt is over: ask anew
                }
                Err(error) if error.reason() == "LIMIT_EXCEEDED" && !self.long_poll.is_zero() => {
                    tracing::warn!(
                        "the server holds no more waiting calls, asking now and then: {error}"
                    );
                    self.long_poll = Duration::ZERO;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let reason = decision::name(wait.reason, "WAIT_REASON_", pb::WaitReason::as_str_name);
            if reason != waits_for {
                note_wait(&reason);
                waits_for = reason;
            }
            let was_held = !self.long_poll.is_zero() && asked_at.elapsed() >= self.long_poll / 2;
            if !was_held {
                let pause = wait.retry_after.and_then(|pause| Duration::try_from(pause).ok());
                let pause = pause.filter(|pause| !pause.is_zero());
                self.connection.sleep(pause.unwrap_or(Duration::from_secs(1))).await;
            }
        }
    }

    /// The worker's name; the platform's is claimed with the first ask.
    fn name(&mut self) -> String {
        match &self.worker_id {
            Some(name) => name.clone(),
            None => self.claimed.get_or_insert_with(ClaimedName::claim).as_str().to_owned(),
        }
    }
}

impl Drop for Trials {
    fn drop(&mut self) {
        if let Some(trial) = self.hand.trial() {
            trial.abandon();
        }
    }
}

fn note_wait(reason: &str) {
    if reason == "WORKER_FAILING" {
        tracing::warn!(
            "this worker's last assignments all failed without a report; the server lets it wait. \
             Look at the failures' messages before you restart it",
        );
    } else {
        tracing::info!("waiting for work: {reason}");
    }
}
