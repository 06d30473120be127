package asha.client;

import static asha.client.ScriptedServer.SILENCE;
import static asha.client.ScriptedServer.decision;
import static asha.client.ScriptedServer.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import asha.v1.GetSuggestionRequest;
import asha.v1.HeartbeatRequest;
import asha.v1.HeartbeatResponse;
import asha.v1.ReportMetricRequest;
import asha.v1.SuggestionServiceGrpc;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.InsecureServerCredentials;
import io.grpc.Status;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is sent again, for how long, and what an error says. */
class ConnectionTest {
  private static final ReportMetricRequest REPORT =
      ReportMetricRequest.newBuilder().setExperimentId("digits").setStep(1).build();

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

  private void report() {
    client.call(SuggestionServiceGrpc.getReportMetricMethod(), REPORT);
  }

  private static Message retryInfo(int milliseconds) {
    return RetryInfo.newBuilder()
        .setRetryDelay(Durations.message(Duration.ofMillis(milliseconds)))
        .build();
  }

  @ParameterizedTest
  @EnumSource(names = {"UNAVAILABLE", "DEADLINE_EXCEEDED"})
  void theVerySameRequestIsSentUntilItIsAnswered(Status.Code code) {
    server.script(ReportMetricRequest.class, refusal(code), refusal(code), refusal(code));

    report();

    assertEquals(
        List.of(REPORT, REPORT, REPORT, REPORT), server.requests(ReportMetricRequest.class));
  }

  @Test
  void anAskIsRepeatedWithItsRequestId() {
    server.script(
        GetSuggestionRequest.class, refusal(Status.Code.UNAVAILABLE), ScriptedServer.finished());

    assertFalse(client.experiment("digits").trials("worker-1").hasNext());

    var asked = server.requests(GetSuggestionRequest.class);
    assertEquals(2, asked.size());
    assertEquals(asked.get(0), asked.get(1));
  }

  @Test
  void aRetryDelayIsAFloor() {
    server.script(
        ReportMetricRequest.class, refusal(Status.Code.RESOURCE_EXHAUSTED, retryInfo(150)));
    long began = System.nanoTime();

    report();

    assertEquals(2, server.requests(ReportMetricRequest.class).size());
    assertTrue(Durations.since(began).toMillis() >= 150);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "INTERNAL", "UNKNOWN"})
  void nothingElseIsSentAgain(Status.Code code) {
    server.script(ReportMetricRequest.class, refusal(code));

    AshaException thrown = assertThrows(AshaException.class, this::report);

    assertEquals(code.name(), thrown.code());
    assertEquals(1, server.requests(ReportMetricRequest.class).size());
  }

  @Test
  void aConnectionThatClosesUnderACallIsUnavailable() {
    Status closed = Status.UNKNOWN.withCause(new ClosedChannelException());

    assertTrue(AshaException.of(closed.asRuntimeException()).isRetryable());
    assertFalse(AshaException.of(Status.UNKNOWN.asRuntimeException()).isRetryable());
  }

  @Test
  void anErrorCarriesReasonMetadataViolationsAndDelay() {
    server.script(
        ReportMetricRequest.class,
        refusal(
            Status.Code.INVALID_ARGUMENT,
            ErrorInfo.newBuilder().setReason("INVALID_REQUEST").putMetadata("step", "-1").build(),
            BadRequest.newBuilder()
                .addFieldViolations(
                    BadRequest.FieldViolation.newBuilder()
                        .setField("metrics[2].name")
                        .setDescription("is empty"))
                .build(),
            retryInfo(1500)));

    AshaException thrown = assertThrows(AshaException.class, this::report);

    assertEquals("INVALID_ARGUMENT", thrown.code());
    assertEquals("INVALID_REQUEST", thrown.reason());
    assertEquals("refused as scripted", thrown.getMessage());
    assertEquals(Map.of("step", "-1"), thrown.metadata());
    assertEquals(
        List.of(new AshaException.FieldViolation("metrics[2].name", "is empty")),
        thrown.violations());
    assertEquals(Optional.of(Duration.ofMillis(1500)), thrown.retryDelay());
    assertTrue(
        thrown
            .toString()
            .endsWith("[INVALID_ARGUMENT/INVALID_REQUEST]\n  metrics[2].name: is empty"));
  }

  @Test
  void aCallWithoutAnAnswerIsGivenUpAtItsDeadlineAndSentAgain() {
    server.script(ReportMetricRequest.class, SILENCE);
    CallLimits limits = new CallLimits(Duration.ofMillis(300), CallLimits.FOREVER);
    server.always(ReportMetricRequest.class, decision(asha.v1.Verdict.VERDICT_CONTINUE));

    client.call(SuggestionServiceGrpc.getReportMetricMethod(), REPORT, limits);

    assertEquals(List.of(REPORT, REPORT), server.requests(ReportMetricRequest.class));
  }

  @Test
  void aCallIsGivenUpWhenItsTimeIsOver() {
    server.always(ReportMetricRequest.class, refusal(Status.Code.UNAVAILABLE));
    try (AshaClient impatient = server.builder().giveUpAfter(Duration.ofMillis(100)).connect()) {

      AshaException thrown =
          assertThrows(
              AshaException.class,
              () -> impatient.call(SuggestionServiceGrpc.getReportMetricMethod(), REPORT));

      assertEquals("UNAVAILABLE", thrown.code());
      assertTrue(server.requests(ReportMetricRequest.class).size() > 1);
    }
  }

  @Test
  void anInterruptCancelsTheCall() {
    server.script(ReportMetricRequest.class, SILENCE);
    Thread caller = Thread.currentThread();
    CompletableFuture.runAsync(
        () -> {
          server.await(ReportMetricRequest.class, 1);
          caller.interrupt();
        });

    AshaException thrown = assertThrows(AshaException.class, this::report);

    assertTrue(Thread.interrupted());
    assertEquals("CANCELLED", thrown.code());
    assertEquals(1, server.requests(ReportMetricRequest.class).size());
  }

  @Test
  void closingTheClientEndsItsCalls() {
    server.always(ReportMetricRequest.class, refusal(Status.Code.UNAVAILABLE));
    CompletableFuture.runAsync(
        () -> {
          server.await(ReportMetricRequest.class, 2);
          client.close();
        });

    assertEquals("CANCELLED", assertThrows(AshaException.class, this::report).code());
  }

  @Test
  void aServerThatStartsLaterIsFound() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    try (AshaClient early = server.builder().address("127.0.0.1:" + port).connect()) {
      CompletableFuture<HeartbeatResponse> answer =
          CompletableFuture.supplyAsync(
              () ->
                  early.call(
                      SuggestionServiceGrpc.getHeartbeatMethod(),
                      HeartbeatRequest.getDefaultInstance()));
      assertThrows(
          AshaException.class,
          () ->
              early.call(
                  SuggestionServiceGrpc.getHeartbeatMethod(),
                  HeartbeatRequest.getDefaultInstance(),
                  new CallLimits(Duration.ofSeconds(5), Duration.ZERO)));

      try (ScriptedServer late =
          new ScriptedServer(ScriptedServer.onPort(port, InsecureServerCredentials.create()))) {
        answer.join();
        assertEquals(1, late.requests(HeartbeatRequest.class).size());
      }
    }
  }

  @Test
  void aLongStormIsWarnedOf() {
    server.always(ReportMetricRequest.class, refusal(Status.Code.UNAVAILABLE));
    StringBuffer log = new StringBuffer();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            log.append(new SimpleFormatter().formatMessage(entry)).append('\n');
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger("asha.client");
    logger.addHandler(handler);
    try {
      CompletableFuture<Void> reporting = CompletableFuture.runAsync(this::report);
      ScriptedServer.await(() -> log.indexOf("still trying") >= 0);
      server.always(ReportMetricRequest.class, decision(asha.v1.Verdict.VERDICT_CONTINUE));
      reporting.join();
    } finally {
      logger.removeHandler(handler);
    }
    assertTrue(log.indexOf("ReportMetric has failed for 1 s") >= 0, log.toString());
    assertTrue(log.indexOf(server.address()) >= 0, log.toString());
  }
}
