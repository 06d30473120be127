package asha.client;

import static java.lang.System.Logger.Level.WARNING;
import static java.util.concurrent.TimeUnit.NANOSECONDS;

import asha.v1.PushedDecision;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One channel: a deadline on every attempt of a call, and retries of the very same message. */
final class Connection {
  private static final System.Logger LOG = System.getLogger("asha.client");
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Duration FIRST_WARNING = Duration.ofSeconds(1);
  private static final Duration RECONNECT_PATIENCE = Duration.ofMillis(200);

  private final String address;
  private final Duration backoffInitial;
  private final Duration backoffMax;
  private final CallLimits limits;
  private final ManagedChannel channel;
  private final Channel calls;
  private final Optional<Session> session;
  private final CountDownLatch closed = new CountDownLatch(1);

  /**
   * Connects with the first call.
   *
   * @param settings where and how
   * @param push told what the server decides unasked
   */
  Connection(AshaClient.Builder settings, Consumer<PushedDecision> push) {
    address = settings.address;
    backoffInitial = settings.backoffInitial;
    backoffMax = settings.backoffMax;
    limits = new CallLimits(settings.deadline, settings.giveUpAfter);
    // A keep-alive turns TCP_USER_TIMEOUT on: bytes unacknowledged for 20 s break the connection
    // instead of leaving it half open. Servers tolerate pings every 5 minutes by default.
    var builder =
        Grpc.newChannelBuilder(address, settings.credentials)
            .keepAliveTime(6, TimeUnit.MINUTES)
            .keepAliveTimeout(20, TimeUnit.SECONDS);
    if (address.startsWith("unix:")) {
      builder.overrideAuthority("localhost"); // a path is no host name
    }
    channel = builder.build();
    Metadata headers = new Metadata();
    if (!settings.token.isEmpty()) {
      headers.put(AUTHORIZATION, "Bearer " + settings.token);
    }
    calls =
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
    session = settings.sessions ? Optional.of(new Session(calls, push)) : Optional.empty();
  }

  /** What holds for calls that do not wait, unless they say otherwise. */
  CallLimits limits() {
    return limits;
  }

  /**
   * Sends a request until it is answered.
   *
   * @throws AshaException what the server refused, the last failure when the time to retry is over,
   *     or CANCELLED when the thread was interrupted or the client closed
   */
  <Q, R> R call(MethodDescriptor<Q, R> method, Q request, CallLimits limits) {
    long began = System.nanoTime();
    Duration warnAfter = FIRST_WARNING;
    Duration ceiling = Durations.min(backoffInitial, backoffMax);
    for (int attempts = 1; ; attempts++) {
      AshaException refusal;
      try {
        return attempt(method, request, limits.deadline());
      } catch (StatusRuntimeException failure) {
        refusal = AshaException.of(failure);
      } catch (AshaException failure) {
        refusal = failure;
      }
      if (isClosed()) {
        throw AshaException.cancelled("the client was closed", refusal);
      }
      Duration elapsed = Durations.since(began);
      Duration jitter =
          ceiling.multipliedBy(ThreadLocalRandom.current().nextLong(1001)).dividedBy(1000);
      Duration pause = refusal.retryDelay().orElse(Duration.ZERO).plus(jitter);
      if (!refusal.isRetryable() || elapsed.plus(pause).compareTo(limits.giveUpAfter()) >= 0) {
        throw refusal;
      }
      if (elapsed.compareTo(warnAfter) >= 0) {
        warnAfter = elapsed.multipliedBy(2);
        LOG.log(
            WARNING,
            "{0} has failed for {1} s ({2} attempts), still trying: {3}; the server is {4}",
            method.getBareMethodName(),
            elapsed.toSeconds(),
            attempts,
            refusal,
            address);
      }
      sleep(pause);
      reconnect();
      ceiling = Durations.min(ceiling.multipliedBy(2), backoffMax);
    }
  }

  /** One attempt: over the session, or alone. */
  private <Q, R> R attempt(MethodDescriptor<Q, R> method, Q request, Duration deadline) {
    if (session.isPresent()) {
      try {
        return session.get().call(method, request, deadline);
      } catch (Session.NoSessionException none) {
        // The unary call, then.
      }
    }
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(deadline.toNanos(), NANOSECONDS);
    return ClientCalls.blockingUnaryCall(calls, method, options, request);
  }

  /** Waits, unless interrupted or closed. */
  void sleep(Duration pause) {
    try {
      if (closed.await(pause.toNanos(), NANOSECONDS)) {
        throw AshaException.cancelled("the client was closed", null);
      }
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
      throw AshaException.cancelled("the thread was interrupted", interruption);
    }
  }

  /**
   * Connects a broken channel now, and gives it a moment.
   *
   * <p>gRPC's own pauses between connections grow to 2 minutes, and fail calls meanwhile; ours do.
   */
  private void reconnect() {
    ConnectivityState state = channel.getState(true);
    if (state != ConnectivityState.TRANSIENT_FAILURE) {
      return;
    }
    CountDownLatch changed = new CountDownLatch(1);
    channel.notifyWhenStateChanged(state, changed::countDown);
    channel.resetConnectBackoff();
    try {
      changed.await(RECONNECT_PATIENCE.toNanos(), NANOSECONDS);
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt(); // the next attempt sees it
    }
  }

  boolean isClosed() {
    return closed.getCount() == 0;
  }

  /**
   * Ends every call and the channel.
   *
   * @param patience how long the server may take to agree to the end of a session
   */
  void close(Duration patience) {
    closed.countDown();
    session.ifPresent(each -> each.close(patience));
    channel.shutdownNow();
  }

  @Override
  public String toString() {
    return address;
  }
}
