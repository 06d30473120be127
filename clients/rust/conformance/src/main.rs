//! The conformance driver: does with the client what standard input says, and tells what came of it.
//!
//! `clients/conformance/README.md` is the authority on the lines it reads and writes.

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::time::Duration;
use std::{fs, io, thread};

use asha_client::{
    CallOptions, Certificate, Client, ClientTlsConfig, Decision, Error, Failure, Identity, Trial,
    Trials, Value, Verdict, pb,
};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

static DESCRIPTORS: &[u8] = include_bytes!("asha.v1.binpb");

/// Why a step has no `ok`.
enum Problem {
    Client(Error),
    Cancelled,
    Driver(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self::Driver(message)
    }
}

impl From<&str> for Problem {
    fn from(message: &str) -> Self {
        Self::Driver(message.into())
    }
}

/// One client, its loop, and the trial in hand.
struct Driver {
    pool: DescriptorPool,
    client: Option<Client>,
    worker_id: String,
    trials: Option<Trials>,
    trial: Option<Trial>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let pool = DescriptorPool::decode(DESCRIPTORS).expect("the committed descriptors are valid");
    let mut driver =
        Driver { pool, client: None, worker_id: String::new(), trials: None, trial: None };
    let (sender, mut lines) = mpsc::channel(1);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    tokio::select! {
        outcome = serve(&mut driver, &mut lines) => outcome,
        () = asha_client::termination() => Ok(()), // the loop goes away by its own shutdown
    }
}

/// Answers every line before it reads the next.
async fn serve(driver: &mut Driver, lines: &mut mpsc::Receiver<String>) -> io::Result<()> {
    let mut output = io::stdout();
    while let Some(line) = lines.recv().await {
        let step: Json = serde_json::from_str(&line)?;
        let mut answer = match driver.perform(&step).await {
            Ok(ok) => json!({ "ok": ok }),
            Err(Problem::Client(error)) => json!({ "error": refusal(&error) }),
            Err(Problem::Cancelled) => json!({ "error": { "code": "CANCELLED" } }),
            Err(Problem::Driver(message)) => {
                json!({ "error": { "code": "DRIVER", "message": message } })
            }
        };
        answer["id"] = step["id"].clone();
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

impl Driver {
    async fn perform(&mut self, step: &Json) -> Result<Json, Problem> {
        match text(step, "do") {
            "connect" => self.connect(step),
            "call" => self.call(step).await,
            "next_trial" => self.next_trial(step).await,
            "report" => {
                let trial = self.trial.as_ref().ok_or("no trial in hand")?;
                let metrics = metrics(&step["metrics"])?;
                let checkpoint = text(step, "checkpoint");
                let decision =
                    trial.report_with_checkpoint(int(step, "step"), metrics, checkpoint).await?;
                Ok(decided(&decision))
            }
            "decision" => {
                let trial = self.trial.as_ref().ok_or("no trial in hand")?;
                Ok(trial.decision().map_or(json!({}), |decision| decided(&decision)))
            }
            "checkpoint" => {
                let trial = self.trial.as_ref().ok_or("no trial in hand")?;
                trial.report_checkpoint(int(step, "step"), text(step, "uri")).await?;
                Ok(json!({}))
            }
            "fail" => {
                let outcome = Err(text(step, "message").into());
                self.take()?.finish(outcome).await?;
                Ok(json!({}))
            }
            "infeasible" => {
                let outcome = Err(Failure::infeasible(text(step, "message")).into());
                self.take()?.finish(outcome).await?;
                Ok(json!({}))
            }
            "end" => {
                self.take()?.finish(Ok(())).await?;
                Ok(json!({}))
            }
            "release" => {
                self.take()?.release("the driver was told to").await?;
                Ok(json!({}))
            }
            "close" => {
                self.close();
                Ok(json!({}))
            }
            unknown => Err(format!("unknown step {unknown:?}").into()),
        }
    }

    fn take(&mut self) -> Result<Trial, Problem> {
        self.trial.take().ok_or_else(|| "no trial in hand".into())
    }

    /// Dropping the loop releases the trial in hand.
    fn close(&mut self) {
        self.trial = None;
        self.trials = None;
        self.client = None;
    }

    fn connect(&mut self, step: &Json) -> Result<Json, Problem> {
        self.close();
        let mut builder = Client::builder(text(step, "address")).token(text(step, "token"));
        if let Some(roots) = pem(step, "root_certificates")? {
            let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(roots));
            let certificate = pem(step, "client_certificate")?;
            if let (Some(certificate), Some(key)) = (certificate, pem(step, "client_key")?) {
                tls = tls.identity(Identity::from_pem(certificate, key));
            }
            builder = builder.tls(tls);
        }
        builder = builder.sessions(step["sessions"] == true);
        if let Some(deadline) = seconds(step, "deadline_s") {
            builder = builder.deadline(deadline);
        }
        let backoff = (seconds(step, "backoff_initial_s"), seconds(step, "backoff_max_s"));
        if let (Some(first), Some(max)) = backoff {
            builder = builder.backoff(first, max);
        }
        if let Some(limit) = seconds(step, "give_up_after_s") {
            builder = builder.retry_for(limit);
        }
        self.client = Some(builder.connect()?);
        self.worker_id = text(step, "worker_id").into();
        Ok(json!({}))
    }

    async fn call(&self, step: &Json) -> Result<Json, Problem> {
        let client = self.client.as_ref().ok_or("not connected")?;
        let name = text(step, "method");
        let (service, method) = name.split_once('/').ok_or("a method is Service/Method")?;
        let service = self.pool.get_service_by_name(service);
        let method = service.and_then(|service| service.methods().find(|m| m.name() == method));
        let method = method.ok_or_else(|| format!("no method {name:?}"))?;
        let request = DynamicMessage::deserialize(method.input(), &step["request"])
            .map_err(|error| format!("the request: {error}"))?;
        let options = CallOptions {
            deadline: seconds(step, "deadline_s"),
            retry_for: seconds(step, "give_up_after_s"),
        };
        let path = format!("/{name}");
        let call = client.call_encoded(&path, request.encode_to_vec().into(), options);
        let answer = match seconds(step, "cancel_after_s") {
            None => call.await?,
            Some(patience) => match tokio::time::timeout(patience, call).await {
                Ok(answer) => answer?,
                Err(_) => return Err(Problem::Cancelled), // the call was dropped
            },
        };
        let answer = DynamicMessage::decode(method.output(), answer)
            .map_err(|error| format!("the response: {error}"))?;
        answer
            .serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new())
            .map_err(|error| format!("the response: {error}").into())
    }

    async fn next_trial(&mut self, step: &Json) -> Result<Json, Problem> {
        self.trial = None;
        if self.trials.is_none() {
            let client = self.client.as_ref().ok_or("not connected")?;
            let experiment = client.experiment(text(step, "experiment_id"));
            let trials = experiment.trials().worker_id(&self.worker_id);
            self.trials = Some(trials.shutdown_on(asha_client::termination()));
        }
        let trials = self.trials.as_mut().expect("made above");
        self.trial = trials.next().await?;
        Ok(self.trial.as_ref().map_or(json!({ "finished": true }), handed_out))
    }
}

fn handed_out(trial: &Trial) -> Json {
    let configuration: Vec<Json> = trial
        .parameters()
        .iter()
        .map(|(name, value)| match value {
            Value::Double(number) => json!([name, "double", double(*number)]),
            Value::Int(number) => json!([name, "int", number.to_string()]),
            Value::String(text) => json!([name, "string", text]),
            Value::Bool(flag) => json!([name, "bool", flag]),
            Value::Json(text) => json!([name, "json", text]),
            Value::Unknown => json!([name, "unknown", null]),
        })
        .collect();
    json!({
        "trial": trial.number(),
        "attempt": trial.attempt(),
        "kind": trial.kind(),
        "start_step": trial.start_step(),
        "resumed_from": trial.checkpoint().unwrap_or_default(),
        "target_length": trial.next_decision_step(),
        "max_length": trial.max_length(),
        "seed": trial.seed(),
        "configuration": configuration,
    })
}

fn decided(decision: &Decision) -> Json {
    let verdict = match decision.verdict {
        Verdict::Continue => "CONTINUE",
        Verdict::Stop => "STOP",
        Verdict::Pause => "PAUSE",
    };
    json!({ "verdict": verdict, "reason": decision.reason })
}

fn refusal(error: &Error) -> Json {
    let code = error.code().and_then(|code| pb::rpc::Code::try_from(code as i32).ok());
    let violations: Vec<Json> =
        error.violations().iter().map(|v| json!([v.field, v.description])).collect();
    json!({
        "code": code.map_or("", |code| code.as_str_name()),
        "reason": error.reason(),
        "message": error.message(),
        "metadata": error.metadata(),
        "violations": violations,
        "retry_delay_s": error.retry_delay().map(|delay| delay.as_secs_f64()),
    })
}

/// JSON has no NaN and no infinities: protobuf writes them as strings.
fn double(number: f64) -> Json {
    match number {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        number if number.is_nan() => "NaN".into(),
        number => number.into(),
    }
}

fn metrics(values: &Json) -> Result<HashMap<String, f64>, Problem> {
    let values = values.as_object().ok_or("metrics is not an object")?;
    let number = |value: &Json| match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => value.as_f64(),
    };
    values
        .iter()
        .map(|(name, value)| {
            let value = number(value).ok_or_else(|| format!("{value} is no metric"))?;
            Ok((name.clone(), value))
        })
        .collect()
}

fn text<'a>(step: &'a Json, field: &str) -> &'a str {
    step[field].as_str().unwrap_or_default()
}

/// A number, or one as a decimal string.
fn int(step: &Json, field: &str) -> i64 {
    let value = &step[field];
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

fn seconds(step: &Json, field: &str) -> Option<Duration> {
    step[field].as_f64().map(Duration::from_secs_f64)
}

/// What the file of this path holds; none for an empty path.
fn pem(step: &Json, field: &str) -> Result<Option<Vec<u8>>, Problem> {
    let path = text(step, field);
    if path.is_empty() {
        return Ok(None);
    }
    let data = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(Some(data))
}
