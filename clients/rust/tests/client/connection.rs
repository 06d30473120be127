//! TCP, Unix sockets, TLS, tokens; executors.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::Duration;

use asha_client::{Certificate, ClientTlsConfig, Code, Identity, pb};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::ServerTlsConfig;

use crate::server::Server;
use crate::{builder, connect};

fn should_stop() -> pb::ShouldStopRequest {
    pb::ShouldStopRequest { experiment_id: "digits".into(), ..Default::default() }
}

/// An authority made for one test.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn certificate(&self) -> Certificate {
        Certificate::from_pem(&self.pem)
    }

    /// Who calls itself `127.0.0.1`.
    fn identity(&self) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity::from_pem(certificate.pem(), key.serialize_pem())
    }
}

/// Calls with this TLS; the code of the refusal.
async fn call(server: &Server, tls: ClientTlsConfig) -> Result<(), Option<Code>> {
    let client = builder(&server.address).tls(tls).retry_for(Duration::ZERO).connect().unwrap();
    client.call(should_stop()).await.map(drop).map_err(|error| error.code())
}

#[tokio::test]
async fn tls_trusts_the_given_roots_and_no_others() {
    let authority = Authority::new();
    let server = Server::start_with_tls(ServerTlsConfig::new().identity(authority.identity()));

    let tls = ClientTlsConfig::new().ca_certificate(authority.certificate());
    assert_eq!(call(&server, tls).await, Ok(()));
    let stranger = ClientTlsConfig::new().ca_certificate(Authority::new().certificate());
    assert_eq!(call(&server, stranger).await, Err(Some(Code::Unavailable)));
}

#[tokio::test]
async fn mutual_tls_shows_the_client_s_certificate() {
    let authority = Authority::new();
    let server = Server::start_with_tls(
        ServerTlsConfig::new()
            .identity(authority.identity())
            .client_ca_root(authority.certificate()),
    );

    let tls = ClientTlsConfig::new().ca_certificate(authority.certificate());
    assert_eq!(call(&server, tls.clone()).await, Err(Some(Code::Unavailable)));
    assert_eq!(call(&server, tls.identity(authority.identity())).await, Ok(()));
}

#[tokio::test]
async fn a_token_goes_with_every_call() {
    let server = Server::start();
    let client = builder(&server.address).token("secret").connect().unwrap();
    client.call(should_stop()).await.unwrap();
    connect(&server).call(should_stop()).await.unwrap();

    let [with, without] = &server.received()[..] else { panic!("two calls") };
    assert_eq!(with.metadata.get("authorization").unwrap(), "Bearer secret");
    assert!(without.metadata.get("authorization").is_none());
    let error = builder(&server.address).token("line\nbreak").connect().unwrap_err();
    assert_eq!((error.code(), error.reason()), (None, "INVALID_CONNECTION"));
}

#[tokio::test]
async fn a_unix_socket_is_an_address() {
    let path = std::env::temp_dir().join(format!("asha-rust-{}.sock", std::process::id()));
    let server = Server::start_on(&format!("unix:{}", path.display()));
    connect(&server).call(should_stop()).await.unwrap();
    std::fs::remove_file(path).unwrap();

    assert_eq!(server.methods(), ["ShouldStop"]);
}

#[tokio::test]
async fn what_is_no_address_is_refused_at_once() {
    let error = builder("no address").connect().unwrap_err();

    assert_eq!(error.reason(), "INVALID_CONNECTION");
    assert!(error.message().starts_with("no address: "), "{error}");
}

#[tokio::test]
async fn a_connection_that_went_silent_is_left_for_another() {
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = builder(&listener.local_addr().unwrap().to_string());
    let client = client.deadline(Duration::from_millis(200)).connect().unwrap();
    let address = server.address.clone();
    let proxy = tokio::spawn(async move {
        let _silent = listener.accept().await.unwrap();
        let (mut from, _) = listener.accept().await.unwrap();
        let mut to = TcpStream::connect(address).await.unwrap();
        copy_bidirectional(&mut from, &mut to).await
    });

    client.call(should_stop()).await.unwrap();
    proxy.abort();
}

/// The thread that waits for a future.
struct Waiter(Thread);

impl Wake for Waiter {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Arc::new(Waiter(thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn any_executor_will_do() {
    let server = Server::start();
    server.suggest([crate::server::waiting(), crate::server::assigned(0)]);
    let trials = connect(&server).experiment("digits").trials().worker_id("worker-1");
    let count = block_on(trials.run(async |trial| {
        trial.report(3, [("val_loss", 0.5)]).await?;
        Ok(())
    }));

    assert_eq!(count.unwrap(), 1);
}
