//! The connection: a thread of its own, one channel, deadlines on every call, retries.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use prost::Message as _;
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::Error;
use crate::pb::{self, Method};
use crate::session::{self, Follower, Session};

/// How long a call has failed before the first warning.
const FIRST_WARNING: Duration = Duration::from_secs(1);

/// How every call is made.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Of one attempt.
    pub(crate) deadline: Duration,
    /// Ceiling of the first pause between attempts; doubled for each that follows.
    pub(crate) first_backoff: Duration,
    /// Ceiling of every pause.
    pub(crate) max_backoff: Duration,
    /// How long one call is sent again; none = for ever.
    pub(crate) retry_for: Option<Duration>,
    /// Whether the calls of a worker go over one stream, where the server has it.
    pub(crate) sessions: bool,
    /// Who calls.
    pub(crate) bearer: Bearer,
}

impl Settings {
    /// How long to wait after so many failed attempts: exponential, with full jitter.
    pub(crate) fn backoff(&self, attempts: u32) -> Duration {
        let ceiling = self.first_backoff.saturating_mul(1 << (attempts - 1).min(16));
        ceiling.min(self.max_backoff).mul_f64(fastrand::f64())
    }
}

/// Sends a token with every call, if there is one.
#[derive(Clone, Debug, Default)]
pub struct Bearer(pub(crate) Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(authorization) = &self.0 {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        Ok(request)
    }
}

/// What one call does otherwise than its client; by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// Deadline of each attempt.
    pub deadline: Option<Duration>,
    /// How long the call is sent again; zero = not at all.
    pub retry_for: Option<Duration>,
}

/// One channel, and the thread that drives it.
///
/// Calls run on that thread: heartbeats go on while training code blocks its own, and a caller needs
/// no runtime.
pub(crate) struct Connection {
    pub(crate) settings: Settings,
    endpoint: Endpoint,
    channel: Mutex<Channel>,
    session: Option<Arc<Session>>,
    /// Present until dropped.
    runtime: Option<Runtime>,
}

impl Connection {
    /// Does no I/O: the first call connects.
    pub(crate) fn new(endpoint: Endpoint, settings: Settings) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("asha-client")
            .enable_all()
            .build()
            .map_err(|error| Error::with_reason("NO_THREAD", error.to_string()))?;
        let channel = {
            let _context = runtime.enter();
            Mutex::new(endpoint.connect_lazy())
        };
        let session = settings.sessions.then(Arc::default);
        Ok(Self { settings, endpoint, channel, session, runtime: Some(runtime) })
    }

    /// Where tasks of this connection are spawned.
    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("the runtime lives until the drop").handle()
    }

    /// The channel, with the token.
    pub(crate) fn channel(&self) -> InterceptedService<Channel, Bearer> {
        let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner).clone();
        InterceptedService::new(channel, self.settings.bearer.clone())
    }

    /// Tells an attempt, for as long as it lives, what is decided about it unasked, where the server
    /// pushes it.
    pub(crate) fn follow(
        &self,
        assignment: &pb::Assignment,
        attempt: i64,
        who: Weak<dyn Follower>,
    ) {
        if let Some(session) = &self.session {
            session.follow(assignment, attempt, who);
        }
    }

    /// The address, for messages.
    pub(crate) fn address(&self) -> String {
        self.endpoint.uri().to_string()
    }

    /// Sends a request until it is answered. A call that is dropped is cancelled.
    pub(crate) async fn call<M: Method>(
        self: &Arc<Self>,
        request: &M,
        options: CallOptions,
    ) -> Result<M::Response, Error> {
        let path = PathAndQuery::from_static(M::PATH);
        let answer = self.call_encoded(path, request.encode_to_vec().into(), options).await?;
        M::Response::decode(answer).map_err(|error| {
            Error::with_code(Code::Internal, format!("an answer that cannot be read: {error}"))
        })
    }

    /// The same for messages that are encoded; the very same bytes are sent by every attempt.
    pub(crate) async fn call_encoded(
        self: &Arc<Self>,
        path: PathAndQuery,
        request: Bytes,
        options: CallOptions,
    ) -> Result<Bytes, Error> {
        let connection = Arc::clone(self);
        let mut call = JoinSet::new(); // aborts what it holds when it is dropped
        call.spawn_on(async move { connection.retry(path, request, options).await }, self.handle());
        match call.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => Err(Error::with_code(Code::Internal, error.to_string())),
            None => unreachable!("one call was spawned"),
        }
    }

    /// Attempts until one is answered, or fails in a way that may not be retried.
    async fn retry(
        &self,
        path: PathAndQuery,
        request: Bytes,
        options: CallOptions,
    ) -> Result<Bytes, Error> {
        let deadline = options.deadline.unwrap_or(self.settings.deadline);
        let retry_for = options.retry_for.or(self.settings.retry_for);
        let began = Instant::now();
        let mut warn_after = FIRST_WARNING;
        let mut attempts = 0;
        loop {
            let error = match self.attempt(path.clone(), request.clone(), deadline).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            attempts += 1;
            let pause = error.retry_delay().unwrap_or_default() + self.settings.backoff(attempts);
            let elapsed = began.elapsed();
            if !error.is_retryable() || retry_for.is_some_and(|limit| elapsed + pause > limit) {
                return Err(error);
            }
            if elapsed >= warn_after {
                warn_after = 2 * elapsed;
                tracing::warn!(
                    "{path} has failed for {:.0} s ({attempts} attempts), still trying: {error}; \
                     the server is {}",
                    elapsed.as_secs_f64(),
                    self.address(),
                );
            }
            sleep(pause).await;
        }
    }

    /// One attempt at a call: on the session if that carries it, else unary.
    async fn attempt(
        &self,
        path: PathAndQuery,
        request: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, Error> {
        if let Some(session) = &self.session
            && let Some(message) = session::wrap(path.path(), &request)
            && let Some(answer) = session.ask(self, message, deadline).await
        {
            return answer.and_then(|answer| session::unwrap(path.path(), answer));
        }
        let mut request = Request::new(request);
        request.set_timeout(deadline);
        let mut grpc = Grpc::new(self.channel());
        let call = async {
            grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
            grpc.unary(request, path, Encoded).await
        };
        match timeout(deadline, call).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => {
                self.reconnect();
                let message = format!("no answer within {} s", deadline.as_secs_f64());
                Err(Error::with_code(Code::DeadlineExceeded, message))
            }
        }
    }

    /// Lets the next attempt open a connection of its own.
    ///
    /// One that went silent may be half open, and TCP would send into it for a quarter of an hour.
    /// Calls that wait on the former one keep it.
    pub(crate) fn reconnect(&self) {
        let _context = self.handle().enter();
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = self.endpoint.connect_lazy();
    }

    /// Waits on the connection's thread, so that the caller needs no timer.
    pub(crate) async fn sleep(&self, duration: Duration) {
        // An error means that the client is gone, and it is held by self.
        let _ = self.handle().spawn(async move { sleep(duration).await }).await;
    }

    /// Runs a future on the connection's thread to its end, whether or not it is waited for.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let task = self.handle().spawn(future);
        task.await.map_err(|error| Error::with_code(Code::Internal, error.to_string()))?
    }

    /// The same from code that is not async; gives up waiting after so long.
    pub(crate) fn finish_blocking<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
        patience: Duration,
    ) -> Option<T> {
        let (sender, receiver) = std::sync::mpsc::channel();
        self.handle().spawn(async move { sender.send(future.await) });
        receiver.recv_timeout(patience).ok()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (session, runtime) = (self.session.take(), self.runtime.take());
        let Some(runtime) = runtime else { return };
        // By a task of its own: then nobody can wait for what that thread has to do.
        let is_own = Handle::try_current().is_ok_and(|here| here.id() == runtime.handle().id());
        let closing = std::thread::spawn(move || {
            if let Some(session) = session {
                runtime.block_on(session.close());
            }
            runtime.shutdown_background();
        });
        if !is_own {
            let _ = closing.join();
        }
    }
}

/// Messages as the bytes that they are on the wire.
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
