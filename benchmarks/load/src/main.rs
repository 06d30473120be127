//! Load for the benchmarks: so many training processes as one thread of native code, which costs
//! the machine far less than the server that it calls.
//!
//! Each caller asks for a trial, reports its steps one after another, each answered before the
//! next, and asks for another trial once it is told to leave this one. Prints one line of JSON.

mod caller;
mod figures;
#[allow(dead_code)] // the whole wire
#[path = "../../../clients/rust/src/pb.rs"]
mod pb;

use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use tonic::transport::{Channel, Endpoint};

use crate::caller::{Caller, Session, Unary};
use crate::figures::{Figures, cpu_seconds};

/// How callers speak.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Mode {
    /// A call for each report.
    Unary,
    /// A session for each caller.
    Session,
}

#[derive(Clone, Parser)]
#[command(about = "Load for the benchmarks of the ASHA server")]
struct Options {
    /// HOST:PORT of the server, in plaintext.
    #[arg(long)]
    address: String,
    /// Experiments whose trials are trained, by turns; they exist.
    #[arg(long, required = true, value_delimiter = ',')]
    experiment: Vec<String>,
    /// How callers speak.
    #[arg(long, value_enum, default_value = "unary")]
    mode: Mode,
    /// Training processes.
    #[arg(long, default_value_t = 128)]
    callers: usize,
    /// Connections that they share, by turns.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Reports in one message of a session.
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Seconds that count.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Seconds before them.
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
    /// From one report of a caller to its next, in milliseconds, if the answer is there by then.
    #[arg(long, default_value_t = 0)]
    interval_ms: u64,
    /// Callers that wait for a trial of this experiment meanwhile, each in a long poll.
    #[arg(long, default_value = "")]
    waiting_for: String,
    /// How many of them.
    #[arg(long, default_value_t = 0)]
    waiting: usize,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let mut channels = Vec::new();
    for _ in 0..options.connections.max(1) {
        let endpoint = Endpoint::from_shared(format!("http://{}", options.address))?
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(30));
        channels.push(endpoint.connect().await?);
    }
    for number in 0..options.waiting {
        let channel = channels[number % channels.len()].clone();
        let experiment = options.waiting_for.clone();
        tokio::spawn(caller::wait_for_ever(channel, experiment, number));
    }
    let mut opening = tokio::task::JoinSet::new();
    let mut callers = Vec::new();
    for number in 0..options.callers {
        opening.spawn(open(options.clone(), number, channels[number % channels.len()].clone()));
    }
    while let Some(opened) = opening.join_next().await {
        callers.push(opened??);
    }
    let begins = Instant::now() + Duration::from_secs_f64(options.warm_up);
    let ends = begins + Duration::from_secs_f64(options.seconds);
    let mut training = tokio::task::JoinSet::new();
    let interval = Duration::from_millis(options.interval_ms);
    for mut caller in callers {
        let share = options.batch;
        training.spawn(async move {
            let mut figures = Figures::new(begins, ends);
            tokio::time::sleep(interval.mul_f64(fastrand::f64())).await;
            caller.train(share, interval, &mut figures).await?;
            Ok::<_, Failure>(figures)
        });
    }
    tokio::time::sleep_until(begins.into()).await;
    let cpu_before = cpu_seconds();
    tokio::time::sleep_until(ends.into()).await;
    let cpu = cpu_seconds() - cpu_before;
    let mut all = Figures::new(begins, ends);
    while let Some(trained) = training.join_next().await {
        all.add(trained??);
    }
    println!("{}", all.json(cpu));
    Ok(())
}

async fn open(options: Options, number: usize, channel: Channel) -> Result<Caller, Failure> {
    let experiment = options.experiment[number % options.experiment.len()].clone();
    let worker = format!("load-{}-{number}", std::process::id());
    Ok(match options.mode {
        Mode::Unary => Caller::new(experiment, worker, Box::new(Unary::new(channel))),
        Mode::Session => {
            let session = Session::open(channel).await?;
            Caller::new(experiment, worker, Box::new(session))
        }
    })
}
