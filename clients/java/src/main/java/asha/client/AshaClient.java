package asha.client;

import static java.lang.System.Logger.Level.WARNING;

import asha.v1.PushedDecision;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A client of one server. Threads may share it.
 *
 * <p>It connects with the first call. Closing it, or the end of the process by SIGTERM, SIGINT or
 * {@code System.exit}, gives back the trials in its hands within 2 seconds.
 */
public final class AshaClient implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("asha.client");
  private static final String DEFAULT_ADDRESS = "localhost:50051";
  private static final Duration RELEASE_PATIENCE = Duration.ofMillis(1900);
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(2);
  private static final Duration SHORTEST_END = Duration.ofMillis(50);

  private final Connection connection;
  private final Thread shutdownHook = new Thread(() -> letGo("the process ends"), "asha-shutdown");
  private final Set<Trial> held = new HashSet<>();
  private boolean isClosing;

  private AshaClient(Builder settings) {
    connection = new Connection(settings, this::push);
    Runtime.getRuntime().addShutdownHook(shutdownHook);
  }

  /**
   * A plaintext client of the server that the environment names: {@code ASHA_SERVER}, else {@code
   * localhost:50051}, with the token {@code ASHA_TOKEN}, if it is set.
   *
   * @return the client
   */
  public static AshaClient connect() {
    return builder().connect();
  }

  /**
   * A plaintext client.
   *
   * @param address {@code host:port} or {@code unix:/path}
   * @return the client
   */
  public static AshaClient connect(String address) {
    return builder().address(address).connect();
  }

  /**
   * A client with other settings than those of {@link #connect()}.
   *
   * @return to be filled in
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Settings of a client. */
  public static final class Builder {
    String address = environment("ASHA_SERVER", DEFAULT_ADDRESS);
    String token = environment("ASHA_TOKEN", "");
    ChannelCredentials credentials = InsecureChannelCredentials.create();
    Duration deadline = Duration.ofSeconds(10);
    Duration backoffInitial = Duration.ofMillis(200);
    Duration backoffMax = Duration.ofSeconds(20);
    Duration giveUpAfter = CallLimits.FOREVER;
    boolean sessions = true;

    private Builder() {}

    private static String environment(String name, String otherwise) {
      String value = System.getenv(name);
      return value == null || value.isEmpty() ? otherwise : value;
    }

    /**
     * Where the server is.
     *
     * @param address {@code host:port} or {@code unix:/path}
     * @return this
     */
    public Builder address(String address) {
      this.address = Objects.requireNonNull(address);
      return this;
    }

    /**
     * The access token, sent with every call as {@code authorization: Bearer TOKEN}.
     *
     * @param token empty: none
     * @return this
     */
    public Builder token(String token) {
      this.token = Objects.requireNonNull(token);
      return this;
    }

    /**
     * How the connection is secured.
     *
     * @param credentials {@code TlsChannelCredentials} for TLS and mutual TLS; by default plaintext
     * @return this
     */
    public Builder credentials(ChannelCredentials credentials) {
      this.credentials = Objects.requireNonNull(credentials);
      return this;
    }

    /**
     * The deadline of each attempt of a call.
     *
     * @param deadline positive; by default 10 s; a long poll has its waiting time more
     * @return this
     */
    public Builder deadline(Duration deadline) {
      this.deadline = Objects.requireNonNull(deadline);
      return this;
    }

    /**
     * The pauses between attempts: random between zero and a ceiling, which doubles.
     *
     * @param initial the first ceiling; positive; by default 200 ms
     * @param max the last ceiling; positive; by default 20 s
     * @return this
     */
    public Builder backoff(Duration initial, Duration max) {
      this.backoffInitial = Objects.requireNonNull(initial);
      this.backoffMax = Objects.requireNonNull(max);
      return this;
    }

    /**
     * How long one call is sent again while network or server fail.
     *
     * @param giveUpAfter then its last failure is thrown; by default {@link CallLimits#FOREVER}
     * @return this
     */
    public Builder giveUpAfter(Duration giveUpAfter) {
      this.giveUpAfter = Objects.requireNonNull(giveUpAfter);
      return this;
    }

    /**
     * Whether the calls of workers go over one stream, which also tells of decisions that nobody
     * asked for.
     *
     * @param sessions false: unary calls only; by default true, where server and proxies carry it
     * @return this
     */
    public Builder sessions(boolean sessions) {
      this.sessions = sessions;
      return this;
    }

    /**
     * The client. The first call connects.
     *
     * @return to be closed
     */
    public AshaClient connect() {
      return new AshaClient(this);
    }
  }

  /**
   * An experiment by its id. Calls nothing.
   *
   * @param id its id
   * @return the experiment, whether or not the server has it
   */
  public Experiment experiment(String id) {
    return new Experiment(this, id);
  }

  /**
   * The answer to one unary call, of any service, with the client's deadline and retries.
   *
   * <p>{@code client.call(ExperimentServiceGrpc.getGetTrialMethod(), request)}
   *
   * @param <Q> the request
   * @param <R> the response
   * @param method what is called
   * @param request the same message for every attempt
   * @return the response
   * @throws AshaException the refusal; CANCELLED when this thread was interrupted
   */
  public <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
    return call(method, request, connection.limits());
  }

  /**
   * The answer to one unary call within other limits than the client's.
   *
   * @param <Q> the request
   * @param <R> the response
   * @param method what is called
   * @param request the same message for every attempt
   * @param limits how long it may take
   * @return the response
   * @throws AshaException the refusal; CANCELLED when this thread was interrupted
   */
  public <Q, R> R call(MethodDescriptor<Q, R> method, Q request, CallLimits limits) {
    return connection.call(method, request, limits);
  }

  Connection connection() {
    return connection;
  }

  /** Takes a trial into custody; false if it is too late for that. */
  synchronized boolean hold(Trial trial) {
    return !isClosing && held.add(trial);
  }

  synchronized void drop(Trial trial) {
    held.remove(trial);
  }

  /** Tells a trial in hand what the server decided about it unasked. */
  private void push(PushedDecision pushed) {
    List<Trial> trials;
    synchronized (this) {
      trials = List.copyOf(held);
    }
    trials.stream()
        .filter(trial -> trial.isMeantBy(pushed))
        .forEach(trial -> trial.hear(pushed.getDecision()));
  }

  synchronized boolean isClosing() {
    return isClosing;
  }

  /** Gives back every trial and closes the connection, once, within 2 seconds. */
  private void letGo(String reason) {
    List<Thread> releases;
    synchronized (this) {
      if (isClosing) {
        return;
      }
      isClosing = true;
      releases = held.stream().map(trial -> new Thread(() -> trial.letGo(reason))).toList();
    }
    long began = System.nanoTime();
    releases.forEach(Thread::start);
    for (Thread release : releases) {
      Duration left = RELEASE_PATIENCE.minus(Durations.since(began));
      try {
        release.join(Math.max(left.toMillis(), 1));
      } catch (InterruptedException interruption) {
        LOG.log(WARNING, "interrupted while trials were given back; their leases will expire");
        Thread.currentThread().interrupt();
        break;
      }
    }
    Duration left = CLOSE_PATIENCE.minus(Durations.since(began));
    connection.close(Durations.max(left, SHORTEST_END));
  }

  /**
   * Gives back the trials in this client's hands and closes the connection. Calls fail from now on.
   */
  @Override
  public void close() {
    letGo("the client was closed");
    try {
      Runtime.getRuntime().removeShutdownHook(shutdownHook);
    } catch (IllegalStateException already) {
      // The process ends, and the hook finds nothing to do.
    }
  }

  @Override
  public String toString() {
    return "AshaClient[" + connection + "]";
  }
}
