package asha.sample;

import asha.client.AshaClient;
import asha.client.Configuration;
import asha.client.Decision;
import asha.client.Trial;
import asha.client.TrialFailureException;
import asha.client.Trials;
import asha.sample.Network.Example;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A worker that trains small neural networks to read handwritten digits, with no framework.
 *
 * <p>{@code ./run asha.sample.Digits --server localhost:50051 --experiment digits}
 *
 * <p>The experiment's metric is a loss to be minimized, its unit an epoch; of its parameters {@code
 * lr} and {@code hidden} are used, where they exist. {@code --checkpoints FOLDER} is for a folder
 * that every worker sees.
 */
public final class Digits {
  private static final int TRAINING_IMAGES = 1400; // of 1797

  private final List<Example> training;
  private final List<Example> validation;
  private final Path checkpoints;

  private Digits(Path data, Path checkpoints) throws IOException {
    List<Example> examples;
    try (Stream<String> lines = Files.lines(data)) {
      examples = lines.map(Digits::parse).toList();
    }
    training = examples.subList(0, TRAINING_IMAGES);
    validation = examples.subList(TRAINING_IMAGES, examples.size());
    this.checkpoints = checkpoints;
  }

  /** Sixty-four pixels of 0 to 16, then the digit. */
  private static Example parse(String line) {
    double[] numbers = Stream.of(line.split(",")).mapToDouble(Double::parseDouble).toArray();
    double[] pixels = new double[numbers.length - 1];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = numbers[i] / 16;
    }
    return new Example(pixels, (int) numbers[pixels.length]);
  }

  private void train(Trial trial) throws Exception {
    Configuration configuration = trial.configuration();
    double rate = configuration.has("lr") ? configuration.getDouble("lr") : 0.01;
    int hidden = configuration.has("hidden") ? (int) configuration.getLong("hidden") : 32;
    Network network =
        trial.checkpoint().isPresent()
            ? load(trial.checkpoint().get())
            : Network.random(64, hidden, new Random(trial.seed()));
    for (long step : trial.steps()) {
      // Seeded by the step, so that a resumed trial trains as one that never paused.
      network.trainOneEpoch(new ArrayList<>(training), rate, new Random(31L * trial.seed() + step));
      double loss = network.loss(validation);
      Path file = checkpoints.resolve(trial.number() + "-" + step + ".weights");
      Decision decision =
          trial.report(
              step,
              Map.of(trial.metric(), loss),
              () -> {
                network.save(file);
                return file.toUri().toString();
              });
      System.out.printf(
          "trial %d step %d loss %.4f: %s %s%n",
          trial.number(), step, loss, decision.verdict(), decision.reason());
    }
  }

  private static Network load(String uri) {
    try {
      return Network.load(Path.of(URI.create(uri)));
    } catch (IOException | IllegalArgumentException problem) {
      throw TrialFailureException.checkpointUnreadable(uri + ": " + problem);
    }
  }

  /**
   * Trains until the search is finished.
   *
   * @param arguments as above
   * @throws IOException the data cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      options.put(arguments[i], arguments[i + 1]);
    }
    String experiment = options.getOrDefault("--experiment", "digits");
    Path folder = Path.of(System.getProperty("java.io.tmpdir"), "asha-digits", experiment);
    Digits digits =
        new Digits(
            Path.of(options.getOrDefault("--data", "../data/digits.csv")),
            Path.of(options.getOrDefault("--checkpoints", folder.toString())).toAbsolutePath());
    try (AshaClient client =
            AshaClient.connect(options.getOrDefault("--server", "localhost:50051"));
        Trials trials = client.experiment(experiment).trials()) {
      trials.run(digits::train);
    }
  }
}
