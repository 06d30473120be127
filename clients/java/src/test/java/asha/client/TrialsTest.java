package asha.client;

import static asha.client.ScriptedServer.assignment;
import static asha.client.ScriptedServer.decision;
import static asha.client.ScriptedServer.finished;
import static asha.client.ScriptedServer.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import asha.v1.FailTrialRequest;
import asha.v1.FailureKind;
import asha.v1.GetSuggestionRequest;
import asha.v1.GetSuggestionResponse;
import asha.v1.Parameter;
import asha.v1.ParameterValue;
import asha.v1.ReportCheckpointRequest;
import asha.v1.ReportMetricRequest;
import asha.v1.ReportMetricResponse;
import asha.v1.Wait;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The loop, and how trials end. */
class TrialsTest {
  private ScriptedServer server;
  private AshaClient client;

  @BeforeEach
  void start() throws IOException {
    server = new ScriptedServer();
    client = server.connect();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private Trials trials() {
    return client.experiment("digits").trials("worker-1");
  }

  private static void train(Trial trial) {
    for (long step : trial.steps()) {
      trial.report(step, Map.of("loss", 1.0 / step));
    }
  }

  @Test
  void trainsUntilTheSearchIsFinished() {
    server.script(GetSuggestionRequest.class, assignment(0), assignment(1), finished());
    List<Long> numbers = new ArrayList<>();

    for (Trial trial : trials()) {
      numbers.add(trial.number());
      train(trial);
    }

    assertEquals(List.of(0L, 1L), numbers);
    assertEquals(6, server.requests(ReportMetricRequest.class).size());
    assertFalse(server.calls().contains("CompleteTrial"));
  }

  @Test
  void asksWithANewRequestIdAndTheSameIncarnationEachTime() {
    trials().run(TrialsTest::train);

    List<GetSuggestionRequest> asked = server.requests(GetSuggestionRequest.class);
    assertEquals(2, asked.size());
    assertEquals("worker-1", asked.get(0).getWorkerId());
    assertEquals(asked.get(0).getIncarnationId(), asked.get(1).getIncarnationId());
    assertEquals(2, asked.stream().map(GetSuggestionRequest::getRequestId).distinct().count());
  }

  @Test
  void keepsConfigurationsInOrderAndIntegersExact() {
    GetSuggestionResponse.Builder given = assignment(0).toBuilder();
    given
        .getAssignmentBuilder()
        .clearParameters()
        .addParameters(parameter("z", ParameterValue.newBuilder().setIntValue((1L << 53) + 1)))
        .addParameters(parameter("a", ParameterValue.newBuilder().setStringValue("relu")))
        .addParameters(parameter("m", ParameterValue.newBuilder().setBoolValue(true)))
        .addParameters(parameter("d", ParameterValue.newBuilder().setDoubleValue(0.1)))
        .addParameters(parameter("j", ParameterValue.newBuilder().setJsonValue("[1,2]")));
    server.script(GetSuggestionRequest.class, given.build(), finished());

    Configuration configuration = trials().next().configuration();

    assertEquals(List.of("z", "a", "m", "d", "j"), List.copyOf(configuration.values().keySet()));
    assertEquals(9007199254740993L, configuration.getLong("z"));
    assertEquals("relu", configuration.getString("a"));
    assertTrue(configuration.getBoolean("m"));
    assertEquals(0.1, configuration.getDouble("d"));
    assertEquals("[1,2]", configuration.getJson("j"));
    assertThrows(IllegalArgumentException.class, () -> configuration.getLong("d"));
  }

  private static Parameter parameter(String name, ParameterValue.Builder value) {
    return Parameter.newBuilder().setName(name).setValue(value).build();
  }

  @Test
  void goingOnWithoutAVerdictCompletesTheTrial() {
    trials().run(trial -> trial.report(1, Map.of("loss", 0.5)));

    assertEquals(
        List.of("GetSuggestion", "ReportMetric", "CompleteTrial", "GetSuggestion"), server.calls());
  }

  @Test
  void leavingTheLoopReleasesTheTrial() {
    try (Trials trials = trials()) {
      trials.next();
    }

    assertEquals(List.of("GetSuggestion", "ReleaseTrial"), server.calls());
  }

  @Test
  void anExceptionOfTheBodyFailsTheTrialAndTheLoopGoesOn() {
    trials()
        .run(
            trial -> {
              throw new IOException("no such file");
            });

    FailTrialRequest failed = server.requests(FailTrialRequest.class).get(0);
    assertEquals(FailureKind.FAILURE_KIND_RETRYABLE, failed.getKind());
    assertTrue(failed.getMessage().startsWith("java.io.IOException: no such file\n  at asha."));
    assertEquals(List.of("GetSuggestion", "FailTrial", "GetSuggestion"), server.calls());
  }

  @Test
  void anInfeasibleConfigurationIsToldAsSuch() {
    trials()
        .run(
            trial -> {
              throw TrialFailureException.infeasible("too wide");
            });

    FailTrialRequest failed = server.requests(FailTrialRequest.class).get(0);
    assertEquals(FailureKind.FAILURE_KIND_INFEASIBLE, failed.getKind());
    assertEquals("too wide", failed.getMessage());
  }

  @Test
  void anErrorOfTheBodyFailsTheTrialAndEndsTheLoop() {
    AssertionError broken = new AssertionError("broken");

    Error thrown =
        assertThrows(
            AssertionError.class,
            () ->
                trials()
                    .run(
                        trial -> {
                          throw broken;
                        }));

    assertSame(broken, thrown);
    assertEquals(List.of("GetSuggestion", "FailTrial"), server.calls());
  }

  @Test
  void aFailingServerNeverFailsATrial() {
    server.always(ReportMetricRequest.class, refusal(Status.Code.INTERNAL, "INTERNAL"));

    AshaException thrown =
        assertThrows(
            AshaException.class,
            () ->
                trials()
                    .run(
                        trial -> {
                          try {
                            train(trial);
                          } catch (AshaException refusal) {
                            throw new IOException("the callback failed", refusal);
                          }
                        }));

    assertEquals("INTERNAL", thrown.code());
    assertEquals(List.of("GetSuggestion", "ReportMetric", "ReleaseTrial"), server.calls());
  }

  @Test
  void threeFailuresInARowWithoutAReportEndTheLoop() {
    server.always(GetSuggestionRequest.class, assignment(0));

    AshaException thrown =
        assertThrows(
            AshaException.class,
            () ->
                trials()
                    .run(
                        trial -> {
                          throw new IllegalStateException("no GPU");
                        }));

    assertEquals("WORKER_FAILING", thrown.reason());
    assertEquals("3", thrown.metadata().get("failures"));
    assertEquals(3, server.requests(FailTrialRequest.class).size());
  }

  @Test
  void failuresAfterAReportDoNotCountAgainstTheWorker() {
    server.script(
        GetSuggestionRequest.class,
        assignment(0),
        assignment(1),
        assignment(2),
        assignment(3),
        finished());

    trials()
        .run(
            trial -> {
              trial.report(1, Map.of("loss", 0.5));
              throw new IllegalStateException("out of memory");
            });

    assertEquals(4, server.requests(FailTrialRequest.class).size());
  }

  @Test
  void waitsAreAskedAgainAndUnknownResultsAreWaits() {
    GetSuggestionResponse wait =
        GetSuggestionResponse.newBuilder()
            .setWait(Wait.newBuilder().setRetryAfter(Durations.message(Duration.ofMillis(1))))
            .build();
    server.script(
        GetSuggestionRequest.class, wait, GetSuggestionResponse.getDefaultInstance(), finished());

    assertFalse(trials().hasNext());

    assertEquals(3, server.requests(GetSuggestionRequest.class).size());
  }

  @Test
  void closingTheClientEndsALoopThatWaits() {
    GetSuggestionResponse wait =
        GetSuggestionResponse.newBuilder()
            .setWait(Wait.newBuilder().setRetryAfter(Durations.message(Duration.ofHours(1))))
            .build();
    server.script(GetSuggestionRequest.class, wait);
    CompletableFuture.runAsync(
        () -> {
          server.await(GetSuggestionRequest.class, 1);
          client.close();
        });

    assertFalse(trials().hasNext());

    assertEquals(1, server.requests(GetSuggestionRequest.class).size());
  }

  @Test
  void unknownVerdictsStopAndUnknownReasonsAreText() {
    server.script(
        ReportMetricRequest.class,
        ReportMetricResponse.newBuilder()
            .setDecision(asha.v1.Decision.newBuilder().setVerdictValue(77).setReasonValue(99))
            .build());
    Trial trial = trials().next();

    Decision decision = trial.report(1, Map.of("loss", 0.5));

    assertEquals(Verdict.STOP, decision.verdict());
    assertEquals("99", decision.reason());
    assertFalse(trial.steps().iterator().hasNext());
  }

  @Test
  void aLostLeaseIsAVerdictAndTheLoopGoesOn() {
    server.script(ReportMetricRequest.class, refusal(Status.Code.ABORTED, "LEASE_LOST"));

    trials().run(TrialsTest::train);

    assertEquals(List.of("GetSuggestion", "ReportMetric", "GetSuggestion"), server.calls());
  }

  @Test
  void aRepeatedStepGoesOnWithTheRecordedVerdict() {
    server.script(
        ReportMetricRequest.class, refusal(Status.Code.ALREADY_EXISTS, "METRIC_CONFLICT"));
    Trial trial = trials().next();

    Decision decision = trial.report(1, Map.of("loss", 0.5), "file:/one");

    assertEquals(Verdict.CONTINUE, decision.verdict());
    assertEquals(
        "file:/one", server.requests(ReportCheckpointRequest.class).get(0).getCheckpointUri());
  }

  @Test
  void checkpointsAreSavedOnlyWhereTheyAreNeeded() {
    trials()
        .run(
            trial -> {
              for (long step : trial.steps()) {
                trial.report(step, Map.of("loss", 0.5), () -> "file:/" + step);
              }
            });

    // The next decision is at step 3.
    assertEquals(
        List.of("", "", "file:/3"),
        server.requests(ReportMetricRequest.class).stream()
            .map(ReportMetricRequest::getCheckpointUri)
            .toList());
  }

  @Test
  void aPauseThatNobodyCouldForeseeIsSavedAfterwards() throws Exception {
    server.script(ReportMetricRequest.class, decision(asha.v1.Verdict.VERDICT_PAUSE));

    trials().next().report(1, Map.of("loss", 0.5), () -> "file:/1");

    assertEquals(List.of("GetSuggestion", "ReportMetric", "ReportCheckpoint"), server.calls());
  }

  @Test
  void aResumedTrialBeginsAfterItsCheckpoint() {
    GetSuggestionResponse.Builder given = assignment(0).toBuilder();
    given.getAssignmentBuilder().setStartStep(1).setCheckpointUri("file:/1");
    server.script(GetSuggestionRequest.class, given.build());

    Trial trial = trials().next();

    assertEquals("file:/1", trial.checkpoint().orElseThrow());
    List<Long> steps = new ArrayList<>();
    trial.steps().forEach(steps::add);
    assertEquals(List.of(2L, 3L), steps);
  }

  @Test
  void anInterruptedTrainingGivesItsTrialBack() {
    AshaException thrown =
        assertThrows(
            AshaException.class, () -> trials().run(trial -> Thread.currentThread().interrupt()));

    assertTrue(Thread.interrupted());
    assertEquals("CANCELLED", thrown.code());
    assertEquals(List.of("GetSuggestion", "ReleaseTrial"), server.calls());
  }

  @Test
  void twoLoopsOfOneProcessHaveDifferentNames() {
    Map<String, String> slurm = Map.of("SLURM_JOB_ID", "4711", "SLURM_PROCID", "2");
    String name = Identity.defaultWorkerId(slurm);
    assertEquals("slurm-4711-0-2", name);

    assertEquals("slurm-4711-0-2", Identity.claim(name));
    assertEquals("slurm-4711-0-2-2", Identity.claim(name));

    Identity.unclaim(name);
    assertEquals("slurm-4711-0-2", Identity.claim(name));
  }
}
