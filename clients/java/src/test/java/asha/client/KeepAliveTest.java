package asha.client;

import static asha.client.ScriptedServer.SILENCE;
import static asha.client.ScriptedServer.assignment;
import static asha.client.ScriptedServer.heartbeat;
import static asha.client.ScriptedServer.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import asha.v1.GetSuggestionRequest;
import asha.v1.HeartbeatRequest;
import asha.v1.ReleaseTrialRequest;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The lease is kept while a trial trains, and given back when the worker goes. */
class KeepAliveTest {
  private static final long SHORT_TTL_MS = 60; // a heartbeat is due every 20 ms

  private ScriptedServer server;
  private AshaClient client;

  @BeforeEach
  void start() throws IOException {
    server = new ScriptedServer();
    client = server.connect();
    server.script(GetSuggestionRequest.class, assignment(0, SHORT_TTL_MS), assignment(1));
    server.always(
        HeartbeatRequest.class, heartbeat(asha.v1.Verdict.VERDICT_CONTINUE, SHORT_TTL_MS));
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private Trials trials() {
    return client.experiment("digits").trials("worker-1");
  }

  @Test
  void aTrialThatTrainsLongIsKeptAlive() {
    trials().next();

    assertEquals("lease-0", server.await(HeartbeatRequest.class, 3).getLeaseToken());
  }

  @Test
  void heartbeatsGoOnThroughAStorm() {
    RuntimeException unavailable = refusal(Status.Code.UNAVAILABLE);
    server.script(HeartbeatRequest.class, unavailable, unavailable, unavailable);
    Trial trial = trials().next();

    server.await(HeartbeatRequest.class, 5);

    assertTrue(trial.isHeld());
  }

  @Test
  void heartbeatsEndWithTheTrial() {
    Trial trial = trials().next();
    server.await(HeartbeatRequest.class, 1);

    Thread keepAlive =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().equals("asha-keep-alive-0"))
            .findAny()
            .orElseThrow();

    trial.release("");

    ScriptedServer.await(() -> !keepAlive.isAlive());
  }

  @ParameterizedTest
  @EnumSource(names = {"VERDICT_STOP", "VERDICT_PAUSE"})
  void aVerdictThatComesByHeartbeatEndsTheSteps(asha.v1.Verdict verdict) {
    server.always(HeartbeatRequest.class, heartbeat(verdict, SHORT_TTL_MS));
    Trials trials = trials();
    Trial trial = trials.next();

    ScriptedServer.await(() -> !trial.isHeld());

    assertTrue(trial.decision().orElseThrow().shouldStop());
    assertFalse(trial.steps().iterator().hasNext());
    assertEquals(1, trials.next().number());
    assertEquals(List.of("GetSuggestion", "GetSuggestion"), server.calls());
  }

  @Test
  void aLeaseLostByHeartbeatIsAVerdict() {
    server.always(HeartbeatRequest.class, refusal(Status.Code.ABORTED, "LEASE_LOST"));
    Trial trial = trials().next();

    ScriptedServer.await(() -> !trial.isHeld());

    assertEquals(Decision.stop("LEASE_LOST"), trial.decision().orElseThrow());
  }

  @Test
  void closingTheClientReleasesWhatItHolds() {
    trials().next();

    client.close();

    assertEquals(
        "the client was closed", server.requests(ReleaseTrialRequest.class).get(0).getReason());
  }

  @Test
  void closingIsOverInTwoSecondsThoughNobodyAnswers() {
    server.always(ReleaseTrialRequest.class, SILENCE);
    trials().next();
    long began = System.nanoTime();

    client.close();

    assertTrue(Durations.since(began).toMillis() < 2000);
    assertEquals(1, server.requests(ReleaseTrialRequest.class).size());
  }

  @Test
  void sigtermReleasesTheTrialWithinTwoSeconds() throws Exception {
    server.script(GetSuggestionRequest.class, assignment(0));
    Process worker =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Sleeper.class.getName(),
                server.address())
            .inheritIO()
            .start();
    try {
      server.await(asha.v1.ReportMetricRequest.class, 1);
      long began = System.nanoTime();

      worker.destroy(); // SIGTERM

      assertTrue(worker.waitFor(10, TimeUnit.SECONDS));
      assertTrue(Durations.since(began).compareTo(Duration.ofSeconds(2)) < 0);
      assertEquals("the process ends", server.await(ReleaseTrialRequest.class, 1).getReason());
      assertEquals(List.of("GetSuggestion", "ReportMetric", "ReleaseTrial"), server.calls());
    } finally {
      worker.destroyForcibly();
    }
  }

  /** A worker that reports once and then trains for ever. */
  static final class Sleeper {
    private Sleeper() {}

    public static void main(String[] arguments) {
      AshaClient.connect(arguments[0])
          .experiment("digits")
          .run(
              trial -> {
                trial.report(1, Map.of("loss", 0.5));
                Thread.sleep(60_000);
              });
    }
  }
}
