//! Requests of a session, carried out by the script of the unary calls.

use asha_client::pb::report_result::Result as ReportAnswer;
use asha_client::pb::training_session_request::Request as Asked;
use asha_client::pb::training_session_response::Response as Carried;
use asha_client::{Error, pb};
use tonic::{Request, Status};

use super::Scripted;
use super::base::suggestion_service_server::SuggestionService as _;

impl Scripted {
    /// A request of a session, carried out as the call of its name.
    pub(super) async fn carry_out(&self, asked: Asked) -> Carried {
        macro_rules! call {
            ($method:ident, $request:expr, $arm:ident) => {
                self.$method(Request::new($request)).await.map(|a| Carried::$arm(a.into_inner()))
            };
        }
        let carried = match asked {
            Asked::GetSuggestion(request) => call!(get_suggestion, request, GetSuggestion),
            Asked::Heartbeat(request) => call!(heartbeat, request, Heartbeat),
            Asked::ReportCheckpoint(request) => call!(report_checkpoint, request, ReportCheckpoint),
            Asked::CompleteTrial(request) => call!(complete_trial, request, CompleteTrial),
            Asked::FailTrial(request) => call!(fail_trial, request, FailTrial),
            Asked::ReleaseTrial(request) => call!(release_trial, request, ReleaseTrial),
            Asked::ShouldStop(request) => call!(should_stop, request, ShouldStop),
            Asked::ReportMetrics(request) => {
                let mut results = Vec::new();
                for report in request.reports {
                    let result = Some(match self.report_metric(Request::new(report)).await {
                        Ok(answer) => ReportAnswer::Response(answer.into_inner()),
                        Err(status) => ReportAnswer::Error(session_error(status)),
                    });
                    results.push(pb::ReportResult { result });
                }
                Ok(Carried::ReportMetrics(pb::ReportMetricsResponse { results }))
            }
        };
        carried.unwrap_or_else(|status| Carried::Error(session_error(status)))
    }
}

/// A refusal as it stands in a session.
fn session_error(status: Status) -> pb::SessionError {
    let error = Error::from(status);
    let reason = format!("ERROR_REASON_{}", error.reason());
    pb::SessionError {
        code: error.code().unwrap().into(),
        reason: pb::ErrorReason::from_str_name(&reason).unwrap_or_default().into(),
        message: error.message().into(),
        metadata: error.metadata().clone().into_iter().collect(),
        field_violations: error
            .violations()
            .iter()
            .map(|v| pb::FieldViolation {
                field: v.field.clone(),
                description: v.description.clone(),
            })
            .collect(),
        retry_delay: error.retry_delay().map(|delay| delay.try_into().unwrap()),
    }
}
