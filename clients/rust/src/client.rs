//! The client of one server.

use std::env;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prost::bytes::Bytes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::connection::{Bearer, CallOptions, Connection, Settings};
use crate::pb::Method;
use crate::{Error, Trials};

const DEFAULT_ADDRESS: &str = "localhost:50051";

/// A client of the server at `host:port` or `unix:path`, in plaintext; [`Client::builder`] for more.
///
/// An empty address is the environment's `ASHA_SERVER`, then `localhost:50051`.
/// Does no I/O: the first call connects.
///
/// # Errors
///
/// The address is not one, or no thread can be started.
pub fn connect(address: &str) -> Result<Client, Error> {
    Client::builder(address).connect()
}

/// How a [`Client`] is to be.
#[derive(Clone, Debug)]
pub struct Builder {
    address: String,
    tls: Option<ClientTlsConfig>,
    token: Option<String>,
    settings: Settings,
}

impl Builder {
    /// TLS with these roots, and this identity for mutual TLS; default: plaintext.
    #[must_use]
    pub fn tls(mut self, tls: ClientTlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// An access token, sent with every call; default: the environment's `ASHA_TOKEN`, then none.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Deadline of one attempt of a call that does not wait; default: 10 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Ceilings of the first pause between attempts (default: 0.2 s) and of every pause (20 s).
    #[must_use]
    pub fn backoff(mut self, first: Duration, max: Duration) -> Self {
        self.settings.first_backoff = first;
        self.settings.max_backoff = max;
        self
    }

    /// How long one call is sent again while network or server fail; default: for ever.
    #[must_use]
    pub fn retry_for(mut self, limit: Duration) -> Self {
        self.settings.retry_for = Some(limit);
        self
    }

    /// Whether the calls of a worker go over one stream, where the server has it; default: yes.
    ///
    /// With `false` each is a unary call, and what a person decides is heard of by the next report
    /// or heartbeat.
    #[must_use]
    pub fn sessions(mut self, sessions: bool) -> Self {
        self.settings.sessions = sessions;
        self
    }

    /// The client. Does no I/O: the first call connects.
    ///
    /// # Errors
    ///
    /// The address, the token or the TLS configuration is not one, or no thread can be started.
    pub fn connect(mut self) -> Result<Client, Error> {
        let wrong = |error: &dyn fmt::Display| {
            Error::with_reason("INVALID_CONNECTION", format!("{}: {error}", self.address))
        };
        let token = self.token.filter(|token| !token.is_empty());
        if let Some(token) = token {
            let mut header: tonic::metadata::MetadataValue<_> =
                format!("Bearer {token}").parse().map_err(|_| wrong(&"the token is not ASCII"))?;
            header.set_sensitive(true);
            self.settings.bearer = Bearer(Some(header));
        }
        let uri = match (&self.tls, self.address.starts_with("unix:")) {
            (_, true) => self.address.clone(),
            (None, false) => format!("http://{}", self.address),
            (Some(_), false) => format!("https://{}", self.address),
        };
        let mut endpoint = Endpoint::from_shared(uri)
            .map_err(|error| wrong(&error))?
            .connect_timeout(self.settings.deadline)
            // Rarer than the 5 minutes that servers tolerate by default.
            .http2_keep_alive_interval(Duration::from_secs(360))
            .keep_alive_timeout(Duration::from_secs(20));
        if let Some(tls) = self.tls.take() {
            endpoint = endpoint.tls_config(tls).map_err(|error| wrong(&error))?;
        }
        let connection = Arc::new(Connection::new(endpoint, self.settings)?);
        Ok(Client { connection })
    }
}

/// A client of one server. Clones share its connection, which ends with the last of them and of
/// what they made.
#[derive(Clone)]
pub struct Client {
    connection: Arc<Connection>,
}

impl Client {
    /// How to reach the server at `host:port` or `unix:path`; empty as for [`connect`].
    pub fn builder(address: &str) -> Builder {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let address = Some(address.to_owned()).filter(|address| !address.is_empty());
        Builder {
            address: address
                .or_else(|| variable("ASHA_SERVER"))
                .unwrap_or_else(|| DEFAULT_ADDRESS.to_owned()),
            tls: None,
            token: variable("ASHA_TOKEN"),
            settings: Settings {
                deadline: Duration::from_secs(10),
                first_backoff: Duration::from_millis(200),
                max_backoff: Duration::from_secs(20),
                retry_for: None,
                sessions: true,
                bearer: Bearer::default(),
            },
        }
    }

    /// An experiment by its id. Does no I/O.
    pub fn experiment(&self, id: impl Into<String>) -> Experiment {
        Experiment { id: id.into(), connection: Arc::clone(&self.connection) }
    }

    /// The answer to one request: `client.call(pb::GetExperimentRequest { … })`. Every unary method
    /// has a request of its own. Dropping the future cancels the call.
    ///
    /// Give requests that create something a `request_id`: a retry then counts once.
    ///
    /// # Errors
    ///
    /// What the server refused, or UNAVAILABLE when `retry_for` is over.
    pub async fn call<M: Method>(&self, request: M) -> Result<M::Response, Error> {
        self.call_with(request, CallOptions::default()).await
    }

    /// The same with a deadline or a limit of retries of its own.
    ///
    /// # Errors
    ///
    /// As for [`Client::call`].
    pub async fn call_with<M: Method>(
        &self,
        request: M,
        options: CallOptions,
    ) -> Result<M::Response, Error> {
        self.connection.call(&request, options).await
    }

    /// The same for messages that are known by their descriptors only, encoded.
    ///
    /// # Errors
    ///
    /// As for [`Client::call`]; the path is not `/package.Service/Method`.
    pub async fn call_encoded(
        &self,
        path: &str,
        request: Bytes,
        options: CallOptions,
    ) -> Result<Bytes, Error> {
        let path = path
            .parse()
            .map_err(|error| Error::with_reason("INVALID_METHOD", format!("{path}: {error}")))?;
        self.connection.call_encoded(path, request, options).await
    }

    /// The channel with the token, for the streams of [`pb`](crate::pb)'s service clients; their
    /// deadlines and retries are the caller's, and [`Error`] is made from their `Status`.
    pub fn channel(&self) -> InterceptedService<Channel, Bearer> {
        self.connection.channel()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Client({})", self.connection.address())
    }
}

/// One experiment of a server.
#[derive(Clone)]
pub struct Experiment {
    id: String,
    connection: Arc<Connection>,
}

impl Experiment {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The trials of one worker, one after the other, until the search is finished.
    pub fn trials(&self) -> Trials {
        Trials::new(self.id.clone(), Arc::clone(&self.connection))
    }
}
