package asha.client;

import asha.v1.AdminServiceGrpc;
import asha.v1.CreateExperimentRequest;
import asha.v1.DoubleRange;
import asha.v1.ExperimentServiceGrpc;
import asha.v1.ExperimentSpec;
import asha.v1.GetServerInfoRequest;
import asha.v1.Goal;
import asha.v1.Metric;
import asha.v1.ParameterSpec;
import asha.v1.RandomSearch;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** The real server, in a process that can be killed and started again on its file and port. */
final class AshaServer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final String LISTENING = "listening on ";

  private final Path folder;
  private String address = "127.0.0.1:0";
  private Process process;

  /**
   * Starts {@code asha}, which must be on PATH.
   *
   * @param folder where its file is to be
   */
  AshaServer(Path folder) throws IOException {
    this.folder = folder;
    restart();
  }

  /** Kills it, if it runs, and starts it where it was. */
  void restart() throws IOException {
    close();
    Path log = folder.resolve("log");
    ProcessBuilder command =
        new ProcessBuilder(
            "asha", "serve", "--database", folder.resolve("asha.db").toString(), "--listen", address);
    process = command.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile())).start();
    BufferedReader output = process.inputReader();
    String line = output.readLine();
    if (line == null || !line.startsWith(LISTENING)) {
      throw new IOException("the server did not start: " + Files.readString(log));
    }
    address = line.substring(LISTENING.length());
  }

  /** A client that retries at once. */
  AshaClient connect() {
    return AshaClient.builder()
        .address(address)
        .backoff(Duration.ofMillis(20), Duration.ofMillis(200))
        .connect();
  }

  /** Creates a search at random of so many trials of so many steps. */
  static void create(AshaClient client, String experimentId, int maxTrials, int maxLength) {
    ExperimentSpec.Builder spec =
        ExperimentSpec.newBuilder()
            .setMetric(Metric.newBuilder().setName("loss").setGoal(Goal.GOAL_MINIMIZE))
            .addParameters(
                ParameterSpec.newBuilder()
                    .setName("lr")
                    .setDoubleRange(DoubleRange.newBuilder().setMin(0).setMax(1)))
            .setRandomSearch(RandomSearch.getDefaultInstance())
            .setMaxTrials(maxTrials)
            .setMaxLength(maxLength);
    client.call(
        ExperimentServiceGrpc.getCreateExperimentMethod(),
        CreateExperimentRequest.newBuilder().setExperimentId(experimentId).setSpec(spec).build());
  }

  /** How many sessions are open. */
  static long sessions(AshaClient client) {
    var request = GetServerInfoRequest.getDefaultInstance();
    return client
        .call(AdminServiceGrpc.getGetServerInfoMethod(), request)
        .getOpenSessionCount();
  }

  /** Waits for what the server's process must bring about, and leaves it the processor. */
  static void await(BooleanSupplier holds) throws InterruptedException {
    long began = System.nanoTime();
    while (!holds.getAsBoolean()) {
      if (Durations.since(began).compareTo(PATIENCE) > 0) {
        throw new AssertionError("it did not come to hold");
      }
      Thread.sleep(5);
    }
  }

  /** Kills it. */
  @Override
  public void close() {
    if (process != null) {
      process.destroyForcibly().onExit().join();
    }
  }
}
