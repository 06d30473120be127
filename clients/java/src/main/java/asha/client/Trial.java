package asha.client;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import asha.v1.Assignment;
import asha.v1.AssignmentKind;
import asha.v1.CompleteTrialRequest;
import asha.v1.FailTrialRequest;
import asha.v1.FailureKind;
import asha.v1.HeartbeatRequest;
import asha.v1.HeartbeatResponse;
import asha.v1.MetricValue;
import asha.v1.PushedDecision;
import asha.v1.ReleaseTrialRequest;
import asha.v1.ReportCheckpointRequest;
import asha.v1.ReportMetricRequest;
import asha.v1.ReportMetricResponse;
import asha.v1.SuggestionServiceGrpc;
import io.grpc.MethodDescriptor;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One trial in this worker's hands, its lease kept alive by a thread until it ends.
 *
 * <p>For one thread, but {@link #decision}, {@link #release} and {@link #close} are for any.
 */
public final class Trial implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("asha.client");
  private static final Duration DEFAULT_TTL = Duration.ofSeconds(60);
  private static final Duration SHORTEST_HEARTBEAT_DEADLINE = Duration.ofSeconds(1);
  // A release that is retried for 0.9 s, with 1 s for the last attempt, is over within 2 s.
  private static final CallLimits EMERGENCY =
      new CallLimits(Duration.ofSeconds(1), Duration.ofMillis(900));
  private static final int MAX_MESSAGE_BYTES = 2000;
  private static final int MAX_FRAMES = 6;

  /** What the end of a trial says about its worker. */
  enum Outcome {
    FAILED_UNTRIED,
    INFEASIBLE,
    OTHER
  }

  private final AshaClient client;
  private final Assignment assignment;
  private final Configuration configuration;
  private final KeepAlive keepAlive;
  private Optional<Decision> decision = Optional.empty();
  private boolean isEnded;
  private FailureKind failure;
  private boolean hasReported;
  private long lastStep;
  private long nextDecisionStep;
  private volatile Duration ttl;
  private volatile long renewed = System.nanoTime();

  Trial(AshaClient client, Assignment assignment) {
    this.client = client;
    this.assignment = assignment;
    configuration = new Configuration(assignment.getParametersList());
    lastStep = assignment.getStartStep();
    nextDecisionStep = assignment.getNextDecisionStep();
    Duration granted = Durations.of(assignment.getLease().getTtl());
    ttl = granted.isZero() ? DEFAULT_TTL : granted;
    keepAlive = new KeepAlive(this);
  }

  // What was handed out.

  /**
   * Its number in the experiment.
   *
   * @return 0-based
   */
  public long number() {
    return assignment.getTrialNumber();
  }

  /**
   * Number of this attempt at it.
   *
   * @return from 1
   */
  public long attempt() {
    return assignment.getLease().getAttempt();
  }

  /**
   * How it came to this worker.
   *
   * @return NEW, PROMOTED, RETRIED, RESUMED or ENQUEUED; the number of a newer server's kind
   */
  public String kind() {
    return assignment.getKind() == AssignmentKind.UNRECOGNIZED
        ? Integer.toString(assignment.getKindValue())
        : assignment.getKind().name().substring("ASSIGNMENT_KIND_".length());
  }

  /**
   * Its hyperparameters.
   *
   * @return in declared order
   */
  public Configuration configuration() {
    return configuration;
  }

  /**
   * For the training's randomness.
   *
   * @return 0 to 2^31 - 1
   */
  public int seed() {
    return assignment.getTrialSeed();
  }

  /**
   * The step to resume at.
   *
   * @return in units; 0 = from scratch
   */
  public long startStep() {
    return assignment.getStartStep();
  }

  /**
   * What to load before training.
   *
   * @return the name a checkpoint was reported by; empty = from scratch
   */
  public Optional<String> checkpoint() {
    return Optional.of(assignment.getCheckpointUri()).filter(uri -> !uri.isEmpty());
  }

  /**
   * The length to train to, then to report.
   *
   * @return in units; grows with every decision to continue; 0 after STOP and PAUSE
   */
  public long targetLength() {
    return hasVerdict() ? 0 : nextDecisionStep;
  }

  /**
   * The length that a surviving trial trains in all.
   *
   * @return in units
   */
  public long maxLength() {
    return assignment.getMaxLength();
  }

  /**
   * Name of the search metric; reports without it decide nothing.
   *
   * @return as the experiment names it
   */
  public String metric() {
    return assignment.getMetric();
  }

  // What has become of it.

  /**
   * The newest decision, by a report, by the keep-alive or unasked. Calls nothing.
   *
   * @return empty before the first; STOP and PAUSE never change once said
   */
  public synchronized Optional<Decision> decision() {
    return decision;
  }

  /**
   * The steps to train: from the last reported (or the start) + 1 to the full length.
   *
   * @return ends by itself on STOP and PAUSE, also on those that come between reports
   */
  public Iterable<Long> steps() {
    return () ->
        new Iterator<>() {
          // A trial that was saved at its full length, its report lost, still has that to make.
          private long step = Math.min(lastStep + 1, maxLength());

          @Override
          public boolean hasNext() {
            return step <= maxLength() && isHeld();
          }

          @Override
          public Long next() {
            if (!hasNext()) {
              throw new NoSuchElementException("the trial's steps have ended");
            }
            return step++;
          }
        };
  }

  /**
   * Reports metrics and answers what was decided, once both are durable.
   *
   * @param step units trained so far
   * @param metrics values by name; the search metric among them, else nothing is decided
   * @return the decision; STOP with reason LEASE_LOST or TRIAL_ENDED if the trial is no longer ours
   * @throws AshaException what the server refused for good
   */
  public Decision report(long step, Map<String, ? extends Number> metrics) {
    return report(step, metrics, "");
  }

  /**
   * Reports metrics with a checkpoint that would resume at this step.
   *
   * @param step units trained so far
   * @param metrics values by name; the search metric among them, else nothing is decided
   * @param checkpoint its name, a path or URI that every worker can read; empty: none
   * @return the decision; STOP with reason LEASE_LOST or TRIAL_ENDED if the trial is no longer ours
   * @throws AshaException what the server refused for good
   */
  public Decision report(long step, Map<String, ? extends Number> metrics, String checkpoint) {
    ReportMetricRequest.Builder request =
        ReportMetricRequest.newBuilder()
            .setExperimentId(assignment.getExperimentId())
            .setTrialNumber(number())
            .setLeaseToken(assignment.getLease().getToken())
            .setStep(step)
            .setCheckpointUri(checkpoint);
    metrics.forEach(
        (name, value) ->
            request.addMetrics(
                MetricValue.newBuilder().setName(name).setValue(value.doubleValue())));
    Decision answer = send(request.build());
    hasReported |= !answer.reason().equals("LEASE_LOST");
    lastStep = Math.max(lastStep, step);
    nextDecisionStep = Math.max(nextDecisionStep, answer.nextDecisionStep());
    note(answer);
    return answer;
  }

  /**
   * Reports metrics, with a checkpoint that is saved only where the trial may have to resume from.
   *
   * @param step units trained so far
   * @param metrics values by name; the search metric among them, else nothing is decided
   * @param saver called before a report that can be decided, and after a pause nobody could foresee
   * @return the decision; STOP with reason LEASE_LOST or TRIAL_ENDED if the trial is no longer ours
   * @throws AshaException what the server refused for good
   * @throws Exception what the saver threw
   */
  public Decision report(long step, Map<String, ? extends Number> metrics, CheckpointSaver saver)
      throws Exception {
    boolean isDecided = step >= nextDecisionStep && metrics.containsKey(metric());
    boolean isPausing = decision().filter(d -> d.verdict() == Verdict.PAUSE).isPresent();
    if (isDecided || isPausing) {
      return report(step, metrics, save(saver));
    }
    Decision answer = report(step, metrics);
    if (answer.verdict() == Verdict.PAUSE) {
      reportCheckpoint(step, save(saver));
    }
    return answer;
  }

  private static String save(CheckpointSaver saver) throws Exception {
    return Objects.requireNonNull(saver.save(), "the saver returned no name for the checkpoint");
  }

  /** Sends a report; a repeated step and a lost trial are answers, not errors. */
  private Decision send(ReportMetricRequest request) {
    try {
      ReportMetricResponse response =
          client.call(SuggestionServiceGrpc.getReportMetricMethod(), request);
      renewed = System.nanoTime();
      return Decision.of(response.getDecision(), response.getDeletableCheckpointUrisList());
    } catch (AshaException refusal) {
      switch (refusal.reason()) {
        case "METRIC_CONFLICT" -> {
          LOG.log(
              WARNING,
              "{0} had reported a step before with another value; the first one stands and the"
                  + " training goes on: {1}",
              this,
              refusal);
          return recorded(request);
        }
        case "LEASE_LOST", "TRIAL_ENDED" -> {
          LOG.log(WARNING, "{0} ends on this worker: {1}", this, refusal);
          return Decision.stop(refusal.reason());
        }
        default -> throw refusal;
      }
    }
  }

  /** The decision that stands for a step that was reported before; its checkpoint is stored. */
  private Decision recorded(ReportMetricRequest request) {
    if (!request.getCheckpointUri().isEmpty()) {
      reportCheckpoint(request.getStep(), request.getCheckpointUri());
    }
    try {
      HeartbeatResponse response = renew(client.connection().limits());
      return Decision.of(response.getDecision(), List.of());
    } catch (AshaException refusal) {
      if (refusal.isAttemptOver()) {
        return Decision.stop(refusal.reason());
      }
      throw refusal;
    }
  }

  /**
   * Tells the server of a complete checkpoint, between reports. One that comes too late is logged.
   *
   * @param step where it would resume, in units
   * @param uri its name, a path or URI that every worker can read
   * @throws AshaException what the server refused for good
   */
  public void reportCheckpoint(long step, String uri) {
    ReportCheckpointRequest request =
        ReportCheckpointRequest.newBuilder()
            .setExperimentId(assignment.getExperimentId())
            .setTrialNumber(number())
            .setLeaseToken(assignment.getLease().getToken())
            .setStep(step)
            .setCheckpointUri(uri)
            .build();
    try {
      var response = client.call(SuggestionServiceGrpc.getReportCheckpointMethod(), request);
      renewed = System.nanoTime();
      note(Decision.of(response.getDecision(), List.of()));
    } catch (AshaException refusal) {
      if (!refusal.isAttemptOver()) {
        throw refusal;
      }
      LOG.log(WARNING, "checkpoint {0} of {1} came too late: {2}", uri, this, refusal);
      note(Decision.stop(refusal.reason()));
    }
  }

  // How it ends. After STOP or PAUSE nothing changes on the server any more, and nothing is sent.

  /**
   * Trains the trial with a body and ends it as the body ends; see {@link Trials#run}.
   *
   * @param body trains it
   * @throws AshaException thrown by the body, or by the end of the trial
   */
  public void run(TrialBody body) {
    try {
      body.train(this);
      if (Thread.interrupted()) { // a body that was interrupted may just return
        throw new InterruptedException();
      }
    } catch (Throwable problem) {
      Optional<AshaException> ours = AshaException.causing(problem);
      boolean isInterruption =
          problem instanceof InterruptedException || Thread.currentThread().isInterrupted();
      if (ours.isPresent() || isInterruption) {
        letGo(problem.toString());
        if (isInterruption) {
          Thread.currentThread().interrupt();
        }
        throw ours.orElseGet(
            () -> AshaException.cancelled("the training was interrupted", problem));
      }
      try {
        fail(problem);
      } catch (AshaException refusal) {
        refusal.addSuppressed(problem);
        throw refusal;
      }
      if (problem instanceof Error error) {
        throw error;
      }
      LOG.log(WARNING, this + " failed", problem);
      return;
    }
    leave();
  }

  /** The training ended by itself before its full length, and is over. */
  public void complete() {
    CompleteTrialRequest request =
        CompleteTrialRequest.newBuilder()
            .setExperimentId(assignment.getExperimentId())
            .setTrialNumber(number())
            .setLeaseToken(assignment.getLease().getToken())
            .build();
    end(SuggestionServiceGrpc.getCompleteTrialMethod(), request, client.connection().limits());
  }

  /**
   * The training failed.
   *
   * @param problem a {@link TrialFailureException} says what kind of failure it is; after anything
   *     else the trial is tried again
   */
  public void fail(Throwable problem) {
    FailureKind kind = FailureKind.FAILURE_KIND_RETRYABLE;
    String message = describe(problem);
    if (problem instanceof TrialFailureException declared) {
      kind = declared.kind();
      message = Objects.requireNonNullElse(declared.getMessage(), "");
    }
    failure = kind;
    FailTrialRequest request =
        FailTrialRequest.newBuilder()
            .setExperimentId(assignment.getExperimentId())
            .setTrialNumber(number())
            .setLeaseToken(assignment.getLease().getToken())
            .setKind(kind)
            .setMessage(clipped(message))
            .build();
    end(SuggestionServiceGrpc.getFailTrialMethod(), request, client.connection().limits());
  }

  /**
   * Lets the trial go: another worker goes on from the last checkpoint, uncounted.
   *
   * @param reason for people; may be empty
   */
  public void release(String reason) {
    release(reason, client.connection().limits());
  }

  /** Releases the trial, if it was not ended otherwise. */
  @Override
  public void close() {
    letGo("the trial was closed");
  }

  private void release(String reason, CallLimits limits) {
    ReleaseTrialRequest request =
        ReleaseTrialRequest.newBuilder()
            .setExperimentId(assignment.getExperimentId())
            .setTrialNumber(number())
            .setLeaseToken(assignment.getLease().getToken())
            .setReason(clipped(reason))
            .build();
    end(SuggestionServiceGrpc.getReleaseTrialMethod(), request, limits);
  }

  /** Releases the trial within 2 seconds, also on an interrupted thread; never throws. */
  void letGo(String reason) {
    boolean wasInterrupted = Thread.interrupted();
    try {
      release(reason, EMERGENCY);
    } catch (AshaException failed) {
      LOG.log(
          WARNING,
          "{0} could not be given back; it is handed on when its lease expires: {1}",
          this,
          failed);
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The loop goes on: without a verdict the training ended by itself. */
  void leave() {
    if (isHeld()) {
      LOG.log(INFO, "{0} was left without a verdict: its training is over", this);
      complete();
    } else {
      keepAlive.stop();
      client.drop(this);
    }
  }

  /** Ends the attempt with one call, once. */
  private <Q, R> void end(MethodDescriptor<Q, R> method, Q request, CallLimits limits) {
    boolean wasHeld;
    synchronized (this) {
      wasHeld = isHeld();
      isEnded = true;
    }
    keepAlive.stop();
    client.drop(this);
    if (!wasHeld) {
      return;
    }
    try {
      client.call(method, request, limits);
    } catch (AshaException refusal) {
      if (!refusal.isAttemptOver()) {
        throw refusal;
      }
      LOG.log(WARNING, "{0} had left this worker already: {1}", this, refusal);
    }
  }

  Outcome outcome() {
    if (failure == FailureKind.FAILURE_KIND_INFEASIBLE) {
      return Outcome.INFEASIBLE;
    }
    return failure != null && !hasReported ? Outcome.FAILED_UNTRIED : Outcome.OTHER;
  }

  // The lease.

  void keepAlive() {
    keepAlive.start();
  }

  /** Whether there is still a lease to keep, and to give back. */
  synchronized boolean isHeld() {
    return !isEnded && !hasVerdict();
  }

  Duration ttl() {
    return ttl;
  }

  Duration sinceRenewal() {
    return Durations.since(renewed);
  }

  /** Renews the lease by one attempt, and takes in what the server says about the trial. */
  void heartbeat(Duration interval) {
    Duration deadline = Durations.min(interval, client.connection().limits().deadline());
    deadline = Durations.max(deadline, SHORTEST_HEARTBEAT_DEADLINE);
    try {
      HeartbeatResponse response = renew(new CallLimits(deadline, Duration.ZERO));
      note(Decision.of(response.getDecision(), List.of()));
    } catch (AshaException refusal) {
      if (!refusal.isAttemptOver()) {
        throw refusal;
      }
      if (isHeld()) {
        LOG.log(WARNING, "{0} ends on this worker: {1}", this, refusal);
        note(Decision.stop(refusal.reason()));
      }
    }
  }

  private HeartbeatResponse renew(CallLimits limits) {
    HeartbeatRequest request =
        HeartbeatRequest.newBuilder()
            .setExperimentId(assignment.getExperimentId())
            .setTrialNumber(number())
            .setLeaseToken(assignment.getLease().getToken())
            .build();
    HeartbeatResponse response =
        client.call(SuggestionServiceGrpc.getHeartbeatMethod(), request, limits);
    Duration granted = Durations.of(response.getLease().getTtl());
    ttl = granted.isZero() ? ttl : granted;
    renewed = System.nanoTime();
    return response;
  }

  boolean isMeantBy(PushedDecision pushed) {
    return pushed.getTrialNumber() == number()
        && pushed.getAttempt() == attempt()
        && pushed.getExperimentId().equals(assignment.getExperimentId());
  }

  /** Takes in a verdict that nobody asked for. */
  void hear(asha.v1.Decision pushed) {
    note(Decision.of(pushed, List.of()));
    if (hasVerdict()) {
      keepAlive.stop();
    }
  }

  private synchronized boolean hasVerdict() {
    return decision.filter(Decision::shouldStop).isPresent();
  }

  private synchronized void note(Decision heard) {
    if (!hasVerdict()) {
      decision = Optional.of(heard);
    }
  }

  // How a failure is told.

  /** Type, message and the innermost frames. */
  private static String describe(Throwable problem) {
    return Stream.concat(
            Stream.of(problem.toString()),
            Stream.of(problem.getStackTrace()).limit(MAX_FRAMES).map(frame -> "  at " + frame))
        .collect(Collectors.joining("\n"));
  }

  /** The text in at most 2000 bytes of UTF-8, its beginning kept. */
  private static String clipped(String text) {
    int bytes = 0;
    for (int i = 0; i < text.length(); i = text.offsetByCodePoints(i, 1)) {
      bytes += Character.toString(text.codePointAt(i)).getBytes(StandardCharsets.UTF_8).length;
      if (bytes > MAX_MESSAGE_BYTES) {
        return text.substring(0, i);
      }
    }
    return text;
  }

  @Override
  public String toString() {
    return "Trial[%d of %s, attempt %d (%s), step %d of %d]"
        .formatted(
            number(), assignment.getExperimentId(), attempt(), kind(), lastStep, maxLength());
  }
}
