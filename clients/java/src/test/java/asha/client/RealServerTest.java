package asha.client;

import static asha.client.ScriptedServer.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import asha.v1.CancelTrialRequest;
import asha.v1.ExperimentServiceGrpc;
import asha.v1.ListObservationsRequest;
import asha.v1.ListTrialsRequest;
import asha.v1.Observation;
import asha.v1.Trial;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions with the real server. */
class RealServerTest {
  private AshaServer server;
  private AshaClient client;

  @BeforeEach
  void start(@TempDir Path folder) throws IOException {
    server = new AshaServer(folder);
    client = server.connect();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  /** So many workers of one client, each in a thread, until the search is finished. */
  private CompletableFuture<?>[] train(int workers, TrialBody body) {
    ExecutorService threads = Executors.newFixedThreadPool(workers);
    CompletableFuture<?>[] loops =
        IntStream.range(0, workers)
            .mapToObj(
                worker ->
                    CompletableFuture.runAsync(
                        () -> client.experiment("e").trials("w" + worker).run(body), threads))
            .toArray(CompletableFuture<?>[]::new);
    threads.shutdown();
    return loops;
  }

  @Test
  void aStopByAPersonReachesATrialWithoutACall() {
    AshaServer.create(client, "e", 1, 1000);
    var trial = client.experiment("e").trials("w").next();
    trial.report(1, Map.of("loss", 1));

    try (AshaClient person = server.connect()) {
      person.call(
          ExperimentServiceGrpc.getCancelTrialMethod(),
          CancelTrialRequest.newBuilder().setExperimentId("e").build());
    }
    await(() -> !trial.isHeld()); // within 15 s, and no heartbeat is due for 20

    assertEquals("CANCELLED", trial.decision().orElseThrow().reason());
    assertFalse(trial.steps().iterator().hasNext());
  }

  @Test
  void aServerThatIsKilledAndStartedAgainLosesAndRepeatsNothing() throws Exception {
    int workers = 4;
    int steps = 60;
    AshaServer.create(client, "e", workers, steps);
    AtomicInteger reports = new AtomicInteger();

    CompletableFuture<?>[] loops =
        train(
            workers,
            trial -> {
              for (long step : trial.steps()) {
                trial.report(step, Map.of("loss", 1.0 / step));
                reports.incrementAndGet();
              }
            });
    for (int count : new int[] {40, 120}) {
      AshaServer.await(() -> reports.get() >= count);
      server.restart(); // while all of them report
    }
    CompletableFuture.allOf(loops).join();

    List<Trial> trials =
        client
            .call(
                ExperimentServiceGrpc.getListTrialsMethod(),
                ListTrialsRequest.newBuilder().setExperimentId("e").build())
            .getTrialsList();
    List<Observation> observations =
        client
            .call(
                ExperimentServiceGrpc.getListObservationsMethod(),
                ListObservationsRequest.newBuilder().setExperimentId("e").setPageSize(1000).build())
            .getObservationsList();
    assertEquals(List.of(1L, 1L, 1L, 1L), trials.stream().map(Trial::getAttempt).toList());
    for (Trial trial : trials) {
      assertEquals(
          LongStream.rangeClosed(1, steps).boxed().toList(),
          observations.stream()
              .filter(observation -> observation.getTrialNumber() == trial.getTrialNumber())
              .map(Observation::getStep)
              .toList());
    }
  }

  @Test
  void theTrialsOfAClientShareOneStreamWhichEndsWithTheClient() throws Exception {
    try (AshaClient observer = server.connect()) {
      AshaServer.create(observer, "e", 16, 3);
      AtomicLong most = new AtomicLong();

      CompletableFuture.allOf(
              train(
                  8,
                  trial -> {
                    for (long step : trial.steps()) {
                      trial.report(step, Map.of("loss", 1));
                    }
                    most.accumulateAndGet(AshaServer.sessions(observer), Math::max);
                  }))
          .join();
      assertEquals(1, most.get());
      client.close();

      AshaServer.await(() -> AshaServer.sessions(observer) == 0);
    }
  }
}
