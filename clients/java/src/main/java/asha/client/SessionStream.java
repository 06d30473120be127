package asha.client;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import asha.v1.Assignment;
import asha.v1.PushedDecision;
import asha.v1.ReleaseTrialRequest;
import asha.v1.SuggestionServiceGrpc;
import asha.v1.TrainingSessionRequest;
import asha.v1.TrainingSessionResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * One stream of a session, from its opening to its end: requests, and answers matched by number.
 *
 * <p>Threads may share it.
 */
final class SessionStream {
  /** The stream ended before the answer came. */
  static final class BrokenException extends Exception {
    private static final long serialVersionUID = 1;
    private final AshaException end;

    private BrokenException(AshaException end) {
      super(end);
      this.end = end;
    }

    /** How it ended. */
    AshaException end() {
      return end;
    }
  }

  private final Consumer<PushedDecision> push;
  private final Consumer<Boolean> noteEnd;
  private final ClientCall<TrainingSessionRequest, TrainingSessionResponse> call;
  private final StreamObserver<TrainingSessionRequest> requests;
  private final Map<Long, CompletableFuture<TrainingSessionResponse>> pending = new HashMap<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private long lastNumber;
  private AshaException end;
  private boolean isClosed;
  private volatile boolean hasAnswered;

  /**
   * Opens it.
   *
   * @param channel with the headers of every call
   * @param push told what the server decides unasked
   * @param noteEnd told, once it ended otherwise than by {@link #close}, whether anything ever came
   */
  SessionStream(Channel channel, Consumer<PushedDecision> push, Consumer<Boolean> noteEnd) {
    this.push = push;
    this.noteEnd = noteEnd;
    call = channel.newCall(SuggestionServiceGrpc.getTrainingSessionMethod(), CallOptions.DEFAULT);
    requests = ClientCalls.asyncBidiStreamingCall(call, new Answers());
  }

  /** Whether anything ever came. */
  boolean hasAnswered() {
    return hasAnswered;
  }

  /** Whether it has ended. */
  synchronized boolean isOver() {
    return end != null || isClosed;
  }

  /**
   * The answer to a request.
   *
   * @throws BrokenException the stream ended first, or never answered anything within the deadline
   * @throws AshaException DEADLINE_EXCEEDED; CANCELLED when this thread was interrupted
   */
  TrainingSessionResponse ask(TrainingSessionRequest.Builder request, Duration deadline)
      throws BrokenException {
    if (Thread.currentThread().isInterrupted()) {
      throw AshaException.cancelled("the thread was interrupted", null);
    }
    CompletableFuture<TrainingSessionResponse> answer = new CompletableFuture<>();
    long number;
    synchronized (this) {
      if (isOver()) {
        throw new BrokenException(end != null ? end : unavailable("it was closed"));
      }
      number = ++lastNumber;
      pending.put(number, answer);
      requests.onNext(request.setRequestNumber(number).build());
    }
    try {
      return answer.get(deadline.toNanos(), NANOSECONDS);
    } catch (ExecutionException failure) {
      throw (BrokenException) failure.getCause();
    } catch (InterruptedException interruption) {
      answer.thenAccept(this::giveBack);
      Thread.currentThread().interrupt();
      throw AshaException.cancelled("the thread was interrupted", interruption);
    } catch (TimeoutException late) {
      synchronized (this) {
        pending.remove(number);
      }
      AshaException expired =
          AshaException.of(
              Status.DEADLINE_EXCEEDED
                  .withDescription("no answer on the session for " + deadline.toMillis() / 1000.0 + " s")
                  .asRuntimeException());
      if (!hasAnswered) { // a proxy that keeps everything back until the stream ends
        throw new BrokenException(expired);
      }
      throw expired;
    }
  }

  /**
   * Ends it, and waits for that: politely where nothing is unanswered, else at once, so that the
   * server gives up what it holds for us.
   */
  void close(Duration patience) {
    boolean isPolite;
    synchronized (this) {
      if (isOver()) {
        return;
      }
      isClosed = true;
      isPolite = pending.isEmpty();
      if (isPolite) {
        requests.onCompleted();
      }
    }
    try {
      if (isPolite && ended.await(patience.toNanos(), NANOSECONDS)) {
        return;
      }
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
    call.cancel("the session was closed", null);
  }

  /** Releases a trial that was handed out to a caller who no longer waits for it. */
  private synchronized void giveBack(TrainingSessionResponse late) {
    if (!late.getGetSuggestion().hasAssignment() || isOver()) {
      return;
    }
    Assignment assignment = late.getGetSuggestion().getAssignment();
    requests.onNext(
        TrainingSessionRequest.newBuilder()
            .setRequestNumber(++lastNumber)
            .setReleaseTrial(
                ReleaseTrialRequest.newBuilder()
                    .setExperimentId(assignment.getExperimentId())
                    .setTrialNumber(assignment.getTrialNumber())
                    .setLeaseToken(assignment.getLease().getToken())
                    .setReason("nobody waits for it any more"))
            .build());
  }

  private void finish(AshaException reason) {
    List<CompletableFuture<TrainingSessionResponse>> lost;
    boolean isNews;
    synchronized (this) {
      end = reason;
      isNews = !isClosed;
      lost = new ArrayList<>(pending.values());
      pending.clear();
    }
    if (isNews) {
      noteEnd.accept(hasAnswered);
    }
    lost.forEach(answer -> answer.completeExceptionally(new BrokenException(reason)));
    ended.countDown();
  }

  private static AshaException unavailable(String message) {
    return AshaException.of(Status.UNAVAILABLE.withDescription(message).asRuntimeException());
  }

  /** What comes over the stream. */
  private final class Answers implements StreamObserver<TrainingSessionResponse> {
    @Override
    public void onNext(TrainingSessionResponse response) {
      hasAnswered = true;
      if (response.hasPushed()) {
        push.accept(response.getPushed());
        return;
      }
      CompletableFuture<TrainingSessionResponse> answer;
      synchronized (SessionStream.this) {
        answer = pending.remove(response.getRequestNumber());
      }
      if (answer != null) { // else its deadline has passed
        answer.complete(response);
      }
    }

    @Override
    public void onError(Throwable failure) {
      finish(AshaException.of((StatusRuntimeException) failure)); // as gRPC says of every call
    }

    @Override
    public void onCompleted() {
      finish(unavailable("the server ended it"));
    }
  }
}
