//! The server itself, `asha` on PATH, with a database of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use asha_client::{Client, pb};

/// How long a test waits for what must come; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct RealServer {
    pub address: String,
    directory: PathBuf,
    process: Child,
}

impl RealServer {
    /// Starts one on a free port, with these flags.
    pub fn start(flags: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("asha-rust-{}-{count}", id()));
        std::fs::create_dir(&directory).unwrap();
        let (process, address) = serve(&directory, "127.0.0.1:0", flags);
        Self { address, directory, process }
    }

    /// Ends it as a power cut does; its address refuses connections.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, on the same database and address.
    pub fn start_again(&mut self) {
        (self.process, _) = serve(&self.directory, &self.address, &[]);
    }

    /// An experiment of so many trials, each of so many steps and without a rung before the last.
    /// Its leases want no heartbeat.
    pub async fn create(&self, max_trials: i64, max_length: i64) -> String {
        use pb::parameter_spec::Kind;
        let range = pb::DoubleRange { min: Some(0.0), max: Some(1.0), ..Default::default() };
        let parameter = pb::ParameterSpec {
            name: "lr".into(),
            condition: None,
            kind: Some(Kind::DoubleRange(range)),
        };
        let spec = pb::ExperimentSpec {
            metric: Some(pb::Metric { name: "loss".into(), goal: pb::Goal::Minimize.into() }),
            parameters: vec![parameter],
            method: Some(pb::experiment_spec::Method::RandomSearch(pb::RandomSearch {})),
            max_length: Some(max_length),
            max_trials: Some(max_trials),
            lease_ttl: Some(Duration::from_secs(86_400).try_into().unwrap()),
            ..Default::default()
        };
        let request = pb::CreateExperimentRequest { spec: Some(spec), ..Default::default() };
        let created = self.person().call(request).await.unwrap();
        created.experiment.unwrap().experiment_id
    }

    /// A client that has no session.
    pub fn person(&self) -> Client {
        Client::builder(&self.address).sessions(false).connect().unwrap()
    }

    pub async fn open_sessions(&self) -> i64 {
        let info = self.person().call(pb::GetServerInfoRequest {}).await.unwrap();
        info.open_session_count
    }

    /// Waits until so many sessions are open.
    pub async fn wait_for_sessions(&self, count: i64) {
        let came = tokio::time::timeout(PATIENCE, async {
            while self.open_sessions().await != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(came.await.is_ok(), "{} sessions are open", self.open_sessions().await);
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The process, and the address at which it can be called now.
fn serve(directory: &Path, listen: &str, flags: &[&str]) -> (Child, String) {
    let log = directory.join("server.log");
    let mut process = Command::new("asha")
        .args(["serve", "--listen", listen, "--database"])
        .arg(directory.join("asha.db"))
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .expect("the tests need the server's command `asha` on PATH");
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on ");
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let address = address.unwrap_or_else(|| panic!("asha serve began with {line:?}: {}", said()));
    (process, address.to_owned())
}
