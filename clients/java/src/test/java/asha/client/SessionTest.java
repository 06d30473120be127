package asha.client;

import static asha.client.ScriptedServer.SILENCE;
import static asha.client.ScriptedServer.assignment;
import static asha.client.ScriptedServer.await;
import static asha.client.ScriptedServer.refusal;
import static asha.client.ScriptedServer.verdict;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import asha.v1.GetSuggestionRequest;
import asha.v1.HeartbeatRequest;
import asha.v1.PushedDecision;
import asha.v1.ReleaseTrialRequest;
import asha.v1.ReportMetricRequest;
import asha.v1.SuggestionServiceGrpc;
import asha.v1.TrainingSessionResponse;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Calls over one stream, decisions that nobody asked for, and what is done without streams. */
class SessionTest {
  private static final HeartbeatRequest BEAT =
      HeartbeatRequest.newBuilder().setExperimentId("digits").build();

  private ScriptedServer server;

  @BeforeEach
  void start() throws IOException {
    server = new ScriptedServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static Trials trials(AshaClient client) {
    return client.experiment("digits").trials("worker-1");
  }

  private static void beat(AshaClient client) {
    client.call(SuggestionServiceGrpc.getHeartbeatMethod(), BEAT);
  }

  private static PushedDecision.Builder stopOf(long attempt) {
    return PushedDecision.newBuilder()
        .setExperimentId("digits")
        .setAttempt(attempt)
        .setDecision(verdict(asha.v1.Verdict.VERDICT_STOP));
  }

  @Test
  void aWorkersCallsGoOverOneStreamNumberedFromOne() {
    try (AshaClient client = server.connect()) {
      trials(client)
          .run(
              trial -> {
                for (long step : trial.steps()) {
                  trial.report(step, Map.of("loss", 0.5));
                }
              });
    }

    assertEquals(
        List.of("GetSuggestion", "ReportMetric", "ReportMetric", "ReportMetric", "GetSuggestion"),
        server.calls());
    assertEquals(List.of(0, 0, 0, 0, 0), server.streams());
    assertEquals(List.of(1L, 2L, 3L, 4L, 5L), server.opened().get(0).numbers());
  }

  @Test
  void sessionsCanBeSwitchedOff() {
    try (AshaClient client = server.builder().sessions(false).connect()) {
      trials(client).next().report(1, Map.of("loss", 0.5));

      assertEquals(List.of(-1, -1), server.streams());
      assertEquals(List.of(), server.opened());
    }
  }

  @Test
  void aPushedDecisionIsForItsAttemptAlone() {
    try (AshaClient client = server.connect()) {
      Trial trial = trials(client).next();
      ScriptedStream stream = server.opened().get(0);

      stream.push(stopOf(2));
      trial.report(1, Map.of("loss", 0.5)); // is answered after that
      assertTrue(trial.isHeld());
      stream.push(stopOf(1));
      await(() -> !trial.isHeld());

      assertEquals(Verdict.STOP, trial.decision().orElseThrow().verdict());
      assertFalse(trial.steps().iterator().hasNext());
    }
  }

  @Test
  void whatWasNotAnsweredWhenTheStreamBrokeIsSentAgainOnTheNextOne() throws Exception {
    server.script(ReportMetricRequest.class, SILENCE);
    try (AshaClient client = server.connect()) {
      Trial trial = trials(client).next();
      Thread breaker =
          new Thread(
              () -> {
                server.await(ReportMetricRequest.class, 1);
                server.opened().get(0).end(refusal(Status.Code.INTERNAL));
              });
      breaker.start();

      Decision decision = trial.report(1, Map.of("loss", 0.5));
      breaker.join();

      assertEquals(Verdict.CONTINUE, decision.verdict());
      assertEquals(List.of(0, 0, 1), server.streams());
    }
  }

  @Test
  void whereStreamsAreRefusedTheCallsAreUnaryAndNoFurtherStreamIsTried() {
    server.onStream(stream -> stream.end(refusal(Status.Code.UNIMPLEMENTED)));
    try (AshaClient client = server.connect()) {
      trials(client).next().report(1, Map.of("loss", 0.5));

      assertEquals(List.of(-1, -1), server.streams());
      assertEquals(1, server.opened().size());
    }
  }

  @Test
  void whereNothingEverComesOverTheStreamTheCallsAreUnary() {
    server.onStream(ScriptedStream::mute);
    try (AshaClient client = server.builder().deadline(Duration.ofMillis(1500)).connect()) {
      beat(client);
      beat(client);

      assertEquals(List.of(-1, -1), server.streams());
      assertEquals(List.of(1L), server.opened().get(0).numbers());
    }
  }

  @Test
  void afterThreeStreamsThatBrokeBeforeAnyAnswerOneCallIsUnary() {
    server.onStream(stream -> stream.end(refusal(Status.Code.UNAVAILABLE)));
    try (AshaClient client = server.connect()) {
      beat(client);
      beat(client);

      assertEquals(List.of(-1, -1), server.streams());
      assertEquals(6, server.opened().size());
    }
  }

  @Test
  void anAnswerThatIsLateOnAStreamThatHasAnsweredIsAskedForAgain() {
    try (AshaClient client = server.builder().deadline(Duration.ofMillis(1500)).connect()) {
      beat(client);
      server.script(HeartbeatRequest.class, SILENCE);

      beat(client);

      assertEquals(List.of(0, 0, 0), server.streams());
    }
  }

  @Test
  void aTrialHandedOutToALoopThatNoLongerWaitsIsGivenBack() throws Exception {
    server.script(GetSuggestionRequest.class, SILENCE);
    try (AshaClient client = server.connect()) {
      Thread worker = new Thread(() -> trials(client).hasNext());
      worker.setUncaughtExceptionHandler((thread, cancelled) -> {});
      worker.start();
      server.await(GetSuggestionRequest.class, 1);

      worker.interrupt();
      worker.join();
      server
          .opened()
          .get(0)
          .answer(1, TrainingSessionResponse.newBuilder().setGetSuggestion(assignment(7)));

      assertEquals("lease-7", server.await(ReleaseTrialRequest.class, 1).getLeaseToken());
    }
  }

  @Test
  void closingTheClientReleasesTheTrialThenEndsTheStreamPolitely() {
    AshaClient client = server.connect();
    trials(client).next();

    client.close();
    await(() -> !server.opened().get(0).ending().isEmpty());

    assertEquals(List.of("GetSuggestion", "ReleaseTrial"), server.calls());
    assertEquals(Set.of(0), Set.copyOf(server.streams()));
    assertEquals("completed", server.opened().get(0).ending());
  }
}
