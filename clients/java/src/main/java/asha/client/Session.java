package asha.client;

import static java.lang.System.Logger.Level.DEBUG;

import asha.v1.PushedDecision;
import asha.v1.ReportMetricRequest;
import asha.v1.ReportMetricsRequest;
import asha.v1.ReportResult;
import asha.v1.SuggestionServiceGrpc;
import asha.v1.TrainingSessionRequest;
import asha.v1.TrainingSessionResponse;
import com.google.protobuf.Descriptors.FieldDescriptor;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;

/**
 * One stream for the calls of training processes: less work a call, and decisions nobody asked for.
 *
 * <p>A session carries the same messages as the unary calls, so whatever is not answered when its
 * stream breaks is sent again, on the next one or as a unary call. A server or a proxy that does
 * not carry streams is noticed by the first one, and spoken to with unary calls for a while.
 *
 * <p>Threads may share it.
 */
final class Session {
  private static final System.Logger LOG = System.getLogger("asha.client");
  private static final Duration TRY_AGAIN_AFTER = Duration.ofMinutes(10);

  /** After so many streams in a row that broke before any answer, a unary call is made between. */
  private static final int FRUITLESS_MAX = 3;

  private static final String REPORT_METRIC =
      SuggestionServiceGrpc.getReportMetricMethod().getFullMethodName();

  /** The field of a session's request and of its answer, by the unary method's full name. */
  private static final Map<String, String> FIELDS =
      Map.of(
          SuggestionServiceGrpc.getGetSuggestionMethod().getFullMethodName(), "get_suggestion",
          REPORT_METRIC, "report_metrics",
          SuggestionServiceGrpc.getHeartbeatMethod().getFullMethodName(), "heartbeat",
          SuggestionServiceGrpc.getShouldStopMethod().getFullMethodName(), "should_stop",
          SuggestionServiceGrpc.getReportCheckpointMethod().getFullMethodName(),
              "report_checkpoint",
          SuggestionServiceGrpc.getCompleteTrialMethod().getFullMethodName(), "complete_trial",
          SuggestionServiceGrpc.getFailTrialMethod().getFullMethodName(), "fail_trial",
          SuggestionServiceGrpc.getReleaseTrialMethod().getFullMethodName(), "release_trial");

  /** The server, or what is between, has no sessions: use the unary call. */
  static final class NoSessionException extends Exception {
    private static final long serialVersionUID = 1;
  }

  private final Channel channel;
  private final Consumer<PushedDecision> push;
  private SessionStream stream;
  private boolean isRefused;
  private long refusedAt;
  private int fruitless;

  /**
   * Opens nothing yet.
   *
   * @param channel with the headers of every call
   * @param push told what the server decides unasked
   */
  Session(Channel channel, Consumer<PushedDecision> push) {
    this.channel = channel;
    this.push = push;
  }

  /**
   * The answer to what would be one attempt of a unary call.
   *
   * @throws NoSessionException use the unary call
   * @throws AshaException what the server refused; UNAVAILABLE or DEADLINE_EXCEEDED: it is to be
   *     sent again; CANCELLED when this thread was interrupted
   */
  <Q, R> R call(MethodDescriptor<Q, R> method, Q request, Duration deadline)
      throws NoSessionException {
    String field = FIELDS.get(method.getFullMethodName());
    if (field == null) {
      throw new NoSessionException();
    }
    TrainingSessionRequest.Builder message = TrainingSessionRequest.newBuilder();
    FieldDescriptor asked = message.getDescriptorForType().findFieldByName(field);
    message.setField(
        asked,
        request instanceof ReportMetricRequest report
            ? ReportMetricsRequest.newBuilder().addReports(report).build()
            : request);
    SessionStream open = opened();
    try {
      @SuppressWarnings("unchecked") // the field of the method's own response
      R answer = (R) answered(open.ask(message, deadline), field);
      return answer;
    } catch (SessionStream.BrokenException broken) {
      throw verdictOn(open, broken.end());
    }
  }

  /** Ends the stream, and waits for that; the next call opens another one. */
  void close(Duration patience) {
    SessionStream open;
    synchronized (this) {
      open = stream;
      stream = null;
    }
    if (open != null) {
      open.close(patience);
    }
  }

  private synchronized SessionStream opened() throws NoSessionException {
    if (isRefused && Durations.since(refusedAt).compareTo(TRY_AGAIN_AFTER) < 0) {
      throw new NoSessionException();
    }
    isRefused = false;
    if (stream == null || stream.isOver()) {
      stream = new SessionStream(channel, push, this::noteEnd);
    }
    return stream;
  }

  /** Counts the streams in a row that never answered anything. */
  private synchronized void noteEnd(boolean hasAnswered) {
    fruitless = hasAnswered ? 0 : fruitless + 1;
  }

  /** What to do about a request that a stream did not answer before it ended. */
  private synchronized AshaException verdictOn(SessionStream broken, AshaException end)
      throws NoSessionException {
    // What refuses a stream before it ever answered does not carry streams, or has a word to say
    // that a unary call hears better.
    if (!broken.hasAnswered() && !end.code().equals("UNAVAILABLE")) {
      if (stream == broken) {
        LOG.log(DEBUG, "no sessions with this server, unary calls instead: {0}", end);
        stream = null;
        isRefused = true;
        refusedAt = System.nanoTime();
        broken.close(Duration.ZERO);
      }
      throw new NoSessionException();
    }
    if (fruitless >= FRUITLESS_MAX) {
      fruitless = 0;
      throw new NoSessionException();
    }
    return AshaException.ofBrokenSession(end);
  }

  /** What the unary call would have been answered, or its refusal. */
  private static Object answered(TrainingSessionResponse response, String field) {
    if (response.hasError()) {
      throw AshaException.of(response.getError());
    }
    if (response.hasReportMetrics()) {
      ReportResult result = response.getReportMetrics().getResults(0);
      if (result.hasError()) {
        throw AshaException.of(result.getError());
      }
      return result.getResponse();
    }
    return response.getField(response.getDescriptorForType().findFieldByName(field));
  }
}
