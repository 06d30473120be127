//! A training process: what it says, over unary calls or a session.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::pb;
use crate::pb::suggestion_service_client::SuggestionServiceClient;
use crate::pb::{get_suggestion_response, training_session_request, training_session_response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::Failure;
use crate::figures::Figures;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// A way to the server.
pub trait Line: Send {
    /// Asks for a trial.
    fn ask(&mut self, request: pb::GetSuggestionRequest) -> Answer<'_, pb::GetSuggestionResponse>;
    /// Reports; the decision on the last report.
    fn report(&mut self, reports: Vec<pb::ReportMetricRequest>) -> Answer<'_, pb::Decision>;
}

/// A call for each.
pub struct Unary(SuggestionServiceClient<Channel>);

impl Unary {
    pub fn new(channel: Channel) -> Self {
        Self(SuggestionServiceClient::new(channel))
    }
}

impl Line for Unary {
    fn ask(&mut self, request: pb::GetSuggestionRequest) -> Answer<'_, pb::GetSuggestionResponse> {
        Box::pin(async move { Ok(self.0.get_suggestion(request).await?.into_inner()) })
    }

    fn report(&mut self, reports: Vec<pb::ReportMetricRequest>) -> Answer<'_, pb::Decision> {
        Box::pin(async move {
            let mut decision = None;
            for report in reports {
                decision = self.0.report_metric(report).await?.into_inner().decision;
            }
            Ok(decision.ok_or("a report was answered without a decision")?)
        })
    }
}

/// All on one stream, one request after another.
pub struct Session {
    number: u64,
    requests: mpsc::UnboundedSender<pb::TrainingSessionRequest>,
    responses: Streaming<pb::TrainingSessionResponse>,
}

impl Session {
    pub async fn open(channel: Channel) -> Result<Self, Failure> {
        let (requests, incoming) = mpsc::unbounded_channel();
        let responses = SuggestionServiceClient::new(channel)
            .training_session(UnboundedReceiverStream::new(incoming))
            .await?
            .into_inner();
        Ok(Self { number: 0, requests, responses })
    }

    async fn exchange(
        &mut self,
        request: training_session_request::Request,
    ) -> Result<training_session_response::Response, Failure> {
        self.number += 1;
        self.requests.send(pb::TrainingSessionRequest {
            request_number: self.number,
            request: Some(request),
            ..Default::default()
        })?;
        loop {
            let response = self.responses.message().await?.ok_or("the session ended")?;
            if response.request_number == self.number {
                return Ok(response.response.ok_or("an answer of a session was empty")?);
            }
        }
    }
}

impl Line for Session {
    fn ask(&mut self, request: pb::GetSuggestionRequest) -> Answer<'_, pb::GetSuggestionResponse> {
        Box::pin(async move {
            let asked = training_session_request::Request::GetSuggestion(request);
            match self.exchange(asked).await? {
                training_session_response::Response::GetSuggestion(answer) => Ok(answer),
                other => Err(format!("GetSuggestion was answered {other:?}").into()),
            }
        })
    }

    fn report(&mut self, reports: Vec<pb::ReportMetricRequest>) -> Answer<'_, pb::Decision> {
        Box::pin(async move {
            let asked =
                training_session_request::Request::ReportMetrics(pb::ReportMetricsRequest {
                    reports,
                });
            let answered = match self.exchange(asked).await? {
                training_session_response::Response::ReportMetrics(answer) => answer,
                other => return Err(format!("ReportMetrics was answered {other:?}").into()),
            };
            let last = answered.results.into_iter().last().and_then(|result| result.result);
            match last {
                Some(pb::report_result::Result::Response(response)) => {
                    Ok(response.decision.ok_or("a report was answered without a decision")?)
                }
                other => Err(format!("a report was answered {other:?}").into()),
            }
        })
    }
}

/// A training process.
pub struct Caller {
    experiment: String,
    worker: String,
    line: Box<dyn Line>,
}

/// The trial in its hands.
struct Held {
    number: i64,
    lease: String,
    step: i64,
    metric: String,
}

impl Caller {
    pub fn new(experiment: String, worker: String, line: Box<dyn Line>) -> Self {
        Self { experiment, worker, line }
    }

    /// Trains until the time is over.
    pub async fn train(
        &mut self,
        batch: usize,
        interval: Duration,
        figures: &mut Figures,
    ) -> Result<(), Failure> {
        let mut held = None;
        loop {
            let began = Instant::now();
            if figures.is_over(began) {
                return Ok(());
            }
            match &mut held {
                None => {
                    let request = pb::GetSuggestionRequest {
                        experiment_id: self.experiment.clone(),
                        worker_id: self.worker.clone(),
                        ..Default::default()
                    };
                    let answer = self.line.ask(request).await?;
                    figures.asked(began);
                    match answer.result {
                        Some(get_suggestion_response::Result::Assignment(given)) => {
                            held = Some(Held {
                                number: given.trial_number,
                                lease: given.lease.ok_or("an assignment without a lease")?.token,
                                step: given.start_step,
                                metric: given.metric,
                            });
                        }
                        _ => tokio::time::sleep(Duration::from_millis(2)).await,
                    }
                }
                Some(trial) => {
                    let reports = (0..batch).map(|_| trial.next(&self.experiment)).collect();
                    let decision = self.line.report(reports).await?;
                    figures.reported(began, batch);
                    if decision.verdict() != pb::Verdict::Continue {
                        held = None;
                    }
                    if !interval.is_zero() {
                        tokio::time::sleep_until((began + interval).into()).await;
                    }
                }
            }
        }
    }
}

impl Held {
    fn next(&mut self, experiment: &str) -> pb::ReportMetricRequest {
        self.step += 1;
        pb::ReportMetricRequest {
            experiment_id: experiment.to_owned(),
            trial_number: self.number,
            lease_token: self.lease.clone(),
            step: self.step,
            metrics: vec![pb::MetricValue { name: self.metric.clone(), value: fastrand::f64() }],
            ..Default::default()
        }
    }
}

/// Waits in long polls for a trial that does not come.
pub async fn wait_for_ever(channel: Channel, experiment: String, number: usize) {
    let mut client = SuggestionServiceClient::new(channel);
    loop {
        let request = pb::GetSuggestionRequest {
            experiment_id: experiment.clone(),
            worker_id: format!("waiting-{number}"),
            max_wait: Some("60s".parse().expect("a duration")),
            ..Default::default()
        };
        if let Err(status) = client.get_suggestion(request).await {
            eprintln!("waiting: {status}");
            return;
        }
    }
}
