package asha.client;

import asha.v1.Assignment;
import asha.v1.AssignmentKind;
import asha.v1.CompleteTrialRequest;
import asha.v1.CompleteTrialResponse;
import asha.v1.DecisionReason;
import asha.v1.FailTrialRequest;
import asha.v1.FailTrialResponse;
import asha.v1.Finished;
import asha.v1.GetSuggestionRequest;
import asha.v1.GetSuggestionResponse;
import asha.v1.HeartbeatRequest;
import asha.v1.HeartbeatResponse;
import asha.v1.Lease;
import asha.v1.Parameter;
import asha.v1.ParameterValue;
import asha.v1.ReleaseTrialRequest;
import asha.v1.ReleaseTrialResponse;
import asha.v1.ReportCheckpointRequest;
import asha.v1.ReportCheckpointResponse;
import asha.v1.ReportMetricRequest;
import asha.v1.ReportMetricResponse;
import asha.v1.SuggestionServiceGrpc;
import asha.v1.TrainingSessionRequest;
import asha.v1.TrainingSessionResponse;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A real gRPC server whose answers are written down beforehand.
 *
 * <p>A scripted answer is used once; then the request's standing answer holds. By default there is
 * one trial of three steps, which goes on until its last report, and then no more work. A session
 * takes its answers from the same scripts as the unary calls.
 */
final class ScriptedServer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private static final Context.Key<String> TOKEN = Context.key("authorization");

  /** No answer at all. */
  static final Object SILENCE = new Object();

  private final Map<Class<?>, Deque<Object>> scripts = new HashMap<>();
  private final Map<Class<?>, Object> standing = new HashMap<>();
  private final List<Message> requests = new ArrayList<>();
  private final List<Optional<ScriptedStream>> streams = new ArrayList<>();
  private final List<ScriptedStream> opened = new ArrayList<>();
  private final List<String> tokens = new ArrayList<>();
  private Consumer<ScriptedStream> onStream = stream -> {};
  private final Server server;

  ScriptedServer() throws IOException {
    this(InsecureServerCredentials.create());
  }

  ScriptedServer(ServerCredentials credentials) throws IOException {
    this(onPort(0, credentials));
  }

  ScriptedServer(NettyServerBuilder builder) throws IOException {
    script(GetSuggestionRequest.class, assignment(0));
    always(GetSuggestionRequest.class, finished());
    always(HeartbeatRequest.class, heartbeat(asha.v1.Verdict.VERDICT_CONTINUE, 60_000));
    always(
        ReportCheckpointRequest.class,
        ReportCheckpointResponse.newBuilder()
            .setDecision(verdict(asha.v1.Verdict.VERDICT_CONTINUE))
            .build());
    always(CompleteTrialRequest.class, CompleteTrialResponse.getDefaultInstance());
    always(FailTrialRequest.class, FailTrialResponse.getDefaultInstance());
    always(ReleaseTrialRequest.class, ReleaseTrialResponse.getDefaultInstance());
    server = builder.addService(new Service()).intercept(new Tokens()).build().start();
  }

  /** A server for this machine only; port 0 takes a free one. */
  static NettyServerBuilder onPort(int port, ServerCredentials credentials) {
    return NettyServerBuilder.forAddress(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port), credentials);
  }

  String address() {
    return "localhost:" + server.getPort();
  }

  /** A client that retries at once. */
  AshaClient connect() {
    return builder().connect();
  }

  AshaClient.Builder builder() {
    return AshaClient.builder()
        .address(address())
        .backoff(Duration.ofMillis(5), Duration.ofMillis(20));
  }

  /** Answers the next requests of a kind with these, one each: messages, errors, or SILENCE. */
  synchronized void script(Class<? extends Message> request, Object... answers) {
    scripts.put(request, new ArrayDeque<>(List.of(answers)));
  }

  /** Answers every request of a kind with this, unless scripted. */
  synchronized void always(Class<? extends Message> request, Object answer) {
    standing.put(request, answer);
  }

  /** The requests of a kind so far, in order of arrival. */
  synchronized <T extends Message> List<T> requests(Class<T> kind) {
    return requests.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The names of all calls so far but heartbeats, in order of arrival. */
  synchronized List<String> calls() {
    return requests.stream()
        .filter(request -> !(request instanceof HeartbeatRequest))
        .map(request -> request.getDescriptorForType().getName().replace("Request", ""))
        .toList();
  }

  /** The authorization headers of all calls so far. */
  synchronized List<String> tokens() {
    return List.copyOf(tokens);
  }

  /** Which stream each request so far came over, by its index; -1: alone. */
  synchronized List<Integer> streams() {
    return streams.stream().map(stream -> stream.map(opened::indexOf).orElse(-1)).toList();
  }

  /** The streams that were opened, or refused, so far. */
  synchronized List<ScriptedStream> opened() {
    return List.copyOf(opened);
  }

  /** What is done with every stream as it opens. */
  synchronized void onStream(Consumer<ScriptedStream> opening) {
    onStream = opening;
  }

  /** The given request of a kind, once it has come; 1 = the first. */
  <T extends Message> T await(Class<T> kind, int count) {
    await(() -> requests(kind).size() >= count);
    return requests(kind).get(count - 1);
  }

  /** Waits for what another thread must bring about. */
  static void await(BooleanSupplier holds) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("it did not come to hold");
      }
      Thread.onSpinWait();
      Thread.yield();
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
  }

  /** The answer to a request: a message, an error, or SILENCE. */
  Object answer(Message request, Optional<ScriptedStream> stream) {
    Object answer;
    synchronized (this) {
      requests.add(request);
      streams.add(stream);
      tokens.add(String.valueOf(TOKEN.get()));
      Deque<Object> script = scripts.getOrDefault(request.getClass(), new ArrayDeque<>());
      answer = script.isEmpty() ? standing.get(request.getClass()) : script.pop();
    }
    if (request instanceof ReportMetricRequest report && answer == null) {
      return decision(
          report.getStep() >= 3
              ? asha.v1.Verdict.VERDICT_STOP
              : asha.v1.Verdict.VERDICT_CONTINUE);
    }
    return answer;
  }

  private <R> void answer(Message request, StreamObserver<R> observer, Class<R> kind) {
    Object answer = answer(request, Optional.empty());
    if (answer instanceof RuntimeException refusal) {
      observer.onError(refusal);
    } else if (answer != SILENCE) {
      observer.onNext(kind.cast(answer));
      observer.onCompleted();
    }
  }

  private static final class Tokens implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      String token =
          headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
      return Contexts.interceptCall(
          Context.current().withValue(TOKEN, token), call, headers, next);
    }
  }

  private final class Service extends SuggestionServiceGrpc.SuggestionServiceImplBase {
    @Override
    public StreamObserver<TrainingSessionRequest> trainingSession(
        StreamObserver<TrainingSessionResponse> answers) {
      synchronized (ScriptedServer.this) {
        ScriptedStream stream = new ScriptedStream(ScriptedServer.this, answers);
        opened.add(stream);
        onStream.accept(stream);
        return stream;
      }
    }

    @Override
    public void getSuggestion(GetSuggestionRequest q, StreamObserver<GetSuggestionResponse> r) {
      answer(q, r, GetSuggestionResponse.class);
    }

    @Override
    public void reportMetric(ReportMetricRequest q, StreamObserver<ReportMetricResponse> r) {
      answer(q, r, ReportMetricResponse.class);
    }

    @Override
    public void heartbeat(HeartbeatRequest q, StreamObserver<HeartbeatResponse> r) {
      answer(q, r, HeartbeatResponse.class);
    }

    @Override
    public void reportCheckpoint(
        ReportCheckpointRequest q, StreamObserver<ReportCheckpointResponse> r) {
      answer(q, r, ReportCheckpointResponse.class);
    }

    @Override
    public void completeTrial(CompleteTrialRequest q, StreamObserver<CompleteTrialResponse> r) {
      answer(q, r, CompleteTrialResponse.class);
    }

    @Override
    public void failTrial(FailTrialRequest q, StreamObserver<FailTrialResponse> r) {
      answer(q, r, FailTrialResponse.class);
    }

    @Override
    public void releaseTrial(ReleaseTrialRequest q, StreamObserver<ReleaseTrialResponse> r) {
      answer(q, r, ReleaseTrialResponse.class);
    }
  }

  // Answers, with what most tests do not care about filled in.

  /** An error with the given details in its trailer. */
  static RuntimeException refusal(Status.Code code, Message... details) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage("refused as scripted");
    Stream.of(details).map(Any::pack).forEach(status::addDetails);
    return StatusProto.toStatusRuntimeException(status.build());
  }

  static RuntimeException refusal(Status.Code code, String reason) {
    return refusal(code, com.google.rpc.ErrorInfo.newBuilder().setReason(reason).build());
  }

  static asha.v1.Decision.Builder verdict(asha.v1.Verdict verdict) {
    return asha.v1.Decision.newBuilder()
        .setVerdict(verdict)
        .setReason(DecisionReason.DECISION_REASON_BETWEEN_RUNGS)
        .setRung(-1);
  }

  static ReportMetricResponse decision(asha.v1.Verdict verdict) {
    return ReportMetricResponse.newBuilder().setDecision(verdict(verdict)).build();
  }

  static HeartbeatResponse heartbeat(asha.v1.Verdict verdict, long ttlMs) {
    return HeartbeatResponse.newBuilder()
        .setLease(Lease.newBuilder().setTtl(Durations.message(Duration.ofMillis(ttlMs))))
        .setDecision(verdict(verdict))
        .build();
  }

  static GetSuggestionResponse finished() {
    return GetSuggestionResponse.newBuilder().setFinished(Finished.getDefaultInstance()).build();
  }

  static GetSuggestionResponse assignment(long number) {
    return assignment(number, 60_000);
  }

  static GetSuggestionResponse assignment(long number, long ttlMs) {
    return GetSuggestionResponse.newBuilder()
        .setAssignment(
            Assignment.newBuilder()
                .setExperimentId("digits")
                .setTrialNumber(number)
                .setKind(AssignmentKind.ASSIGNMENT_KIND_NEW)
                .setLease(
                    Lease.newBuilder()
                        .setToken("lease-" + number)
                        .setAttempt(1)
                        .setTtl(Durations.message(Duration.ofMillis(ttlMs))))
                .addParameters(
                    Parameter.newBuilder()
                        .setName("lr")
                        .setValue(ParameterValue.newBuilder().setDoubleValue(0.1)))
                .setNextDecisionStep(3)
                .setMaxLength(3)
                .setMetric("loss"))
        .build();
  }
}
