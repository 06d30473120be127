package asha.client;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import asha.v1.Assignment;
import asha.v1.GetSuggestionRequest;
import asha.v1.GetSuggestionResponse;
import asha.v1.SuggestionServiceGrpc;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * The trials of one worker, one after the other, until the search is finished. For one thread.
 *
 * <p>{@link #run} ends every trial as its body ends. Iterated by hand, going on to the next trial
 * completes one that has no verdict, and {@link #close} (after {@code break}, {@code return} or an
 * exception) releases it; call {@link Trial#fail} for what the training code did wrong.
 */
public final class Trials implements Iterable<Trial>, Iterator<Trial>, AutoCloseable {
  private static final System.Logger LOG = System.getLogger("asha.client");
  private static final Duration LONG_POLL = Duration.ofSeconds(20);
  private static final Duration DEFAULT_RETRY_AFTER = Duration.ofSeconds(1);
  private static final Duration AFTER_LOST_LEASE = Duration.ofMillis(100);
  private static final int FAILURE_LIMIT = 3;

  private final AshaClient client;
  private final String experimentId;
  private final String workerId;
  private final boolean isClaimed;
  private Duration longPoll = LONG_POLL;
  private Trial current;
  private Trial next;
  private boolean isFinished;
  private int failures;

  Trials(AshaClient client, String experimentId, String workerId) {
    this.client = client;
    this.experimentId = experimentId;
    isClaimed = workerId.isEmpty();
    this.workerId =
        isClaimed ? Identity.claim(Identity.defaultWorkerId(System.getenv())) : workerId;
  }

  /**
   * The worker's name.
   *
   * @return as given, or the platform's
   */
  public String workerId() {
    return workerId;
  }

  /**
   * Trains every trial with a body.
   *
   * <p>A body that returns without a verdict completes its trial; one that throws fails it, as
   * {@link TrialFailureException} says or to be tried again, and the loop goes on. An {@link
   * AshaException}, an {@link InterruptedException}, or what they caused, releases the trial and
   * ends the loop. An {@link Error} fails the trial and ends the loop.
   *
   * @param body trains one trial
   * @throws AshaException what the server refused for good; CANCELLED when this thread was
   *     interrupted; reason WORKER_FAILING after three assignments in a row that failed without a
   *     report
   */
  public void run(TrialBody body) {
    while (hasNext()) {
      next().run(body);
    }
  }

  /**
   * This, since a worker has its trials only once.
   *
   * @return this
   */
  @Override
  public Iterator<Trial> iterator() {
    return this;
  }

  /**
   * Ends the trial in hand and waits for the next one.
   *
   * @return false once the search is finished, or the client closed
   * @throws AshaException as of {@link #run}
   */
  @Override
  public boolean hasNext() {
    if (next == null && !isFinished) {
      leave();
      next = ask();
      if (next == null) {
        close();
      }
    }
    return next != null;
  }

  /**
   * The next trial.
   *
   * @return with its lease kept alive from now on
   * @throws NoSuchElementException the search is finished
   * @throws AshaException as of {@link #run}
   */
  @Override
  public Trial next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the search is finished");
    }
    current = next;
    next = null;
    return current;
  }

  /** Releases the trial in hand. */
  @Override
  public void close() {
    boolean isFirst = !isFinished;
    isFinished = true;
    if (isFirst && isClaimed) {
      Identity.unclaim(workerId);
    }
    for (Trial trial : new Trial[] {current, next}) {
      if (trial != null) {
        trial.letGo("the loop was left");
      }
    }
    current = null;
    next = null;
  }

  private void leave() {
    Trial left = current;
    current = null;
    if (left != null) {
      left.leave();
      switch (left.outcome()) {
        case FAILED_UNTRIED -> failures++;
        case INFEASIBLE -> {} // says nothing about this worker
        case OTHER -> failures = 0;
      }
    }
    if (failures >= FAILURE_LIMIT) {
      throw AshaException.ofClient(
          "WORKER_FAILING",
          failures
              + " assignments in a row failed on worker "
              + workerId
              + " without a report; look at the failures' messages (asha trials), mend this"
              + " machine or the training code, and start the worker again",
          Map.of("worker_id", workerId, "failures", Integer.toString(failures)));
    }
  }

  /** The next trial; null when there will be none. */
  private Trial ask() {
    try {
      return client.isClosing() ? null : askUntilAnswered();
    } catch (AshaException failure) {
      if (client.isClosing()) {
        return null;
      }
      throw failure;
    }
  }

  private Trial askUntilAnswered() {
    while (true) {
      long asked = System.nanoTime();
      GetSuggestionResponse response;
      try {
        response = poll();
      } catch (AshaException refusal) {
        if (refusal.reason().equals("LEASE_LOST")) {
          client.connection().sleep(AFTER_LOST_LEASE); // the retry came after its attempt's end
          continue;
        }
        if (!refusal.reason().equals("LIMIT_EXCEEDED") || longPoll.isZero()) {
          throw refusal;
        }
        LOG.log(
            WARNING, "the server holds no more waiting calls, asking now and then: {0}", refusal);
        longPoll = Duration.ZERO;
        response = GetSuggestionResponse.getDefaultInstance();
      }
      switch (response.getResultCase()) {
        case ASSIGNMENT -> {
          return take(response.getAssignment());
        }
        case FINISHED -> {
          String why = response.getFinished().getEndMessage();
          LOG.log(
              INFO,
              "experiment {0} has ended: {1}",
              experimentId,
              why.isEmpty() ? "no more work" : why);
          return null;
        }
        case WAIT, RESULT_NOT_SET -> pause(response, Durations.since(asked));
      }
    }
  }

  private GetSuggestionResponse poll() {
    GetSuggestionRequest request =
        GetSuggestionRequest.newBuilder()
            .setExperimentId(experimentId)
            .setWorkerId(workerId)
            .setIncarnationId(Identity.INCARNATION)
            .setRequestId(Identity.random(16))
            .setMaxWait(Durations.message(longPoll))
            .build();
    CallLimits limits = client.connection().limits().plus(longPoll);
    return client.call(SuggestionServiceGrpc.getGetSuggestionMethod(), request, limits);
  }

  private Trial take(Assignment assignment) {
    Trial trial = new Trial(client, assignment);
    if (client.hold(trial)) {
      trial.keepAlive();
      return trial;
    }
    trial.letGo("the client was closed");
    return null;
  }

  /** Waits before the next ask, unless the server has held the last one. */
  private void pause(GetSuggestionResponse response, Duration waited) {
    if (longPoll.isZero() || waited.compareTo(longPoll.dividedBy(2)) < 0) {
      Duration retryAfter = Durations.of(response.getWait().getRetryAfter());
      client.connection().sleep(retryAfter.isZero() ? DEFAULT_RETRY_AFTER : retryAfter);
    }
  }
}
