package asha.sample;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** One hidden layer of rectified units, trained by stochastic gradient descent on cross-entropy. */
final class Network {
  /** One image and what it shows. */
  record Example(double[] pixels, int digit) {}

  private static final int CLASSES = 10;

  private final double[][] hidden; // unit by pixel, the bias last
  private final double[][] output; // class by unit, the bias last

  private Network(int pixels, int units) {
    hidden = new double[units][pixels + 1];
    output = new double[CLASSES][units + 1];
  }

  static Network random(int pixels, int units, Random random) {
    Network network = new Network(pixels, units);
    for (double[][] layer : List.of(network.hidden, network.output)) {
      for (double[] row : layer) {
        double scale = Math.sqrt(2.0 / row.length);
        for (int i = 0; i < row.length - 1; i++) {
          row[i] = scale * random.nextGaussian();
        }
      }
    }
    return network;
  }

  /** One pass over the examples, which are shuffled. */
  void trainOneEpoch(List<Example> examples, double rate, Random random) {
    Collections.shuffle(examples, random);
    for (Example example : examples) {
      double[] units = activate(example.pixels);
      double[] errors = probabilities(units);
      errors[example.digit] -= 1;
      double[] blame = new double[units.length];
      for (int k = 0; k < CLASSES; k++) {
        for (int u = 0; u < units.length; u++) {
          blame[u] += errors[k] * output[k][u];
        }
        descend(output[k], units, rate * errors[k]);
      }
      for (int u = 0; u < units.length; u++) {
        if (units[u] > 0) {
          descend(hidden[u], example.pixels, rate * blame[u]);
        }
      }
    }
  }

  /** Mean cross-entropy in nats; NaN if the training diverged. */
  double loss(List<Example> examples) {
    return examples.stream()
        .mapToDouble(e -> -Math.log(probabilities(activate(e.pixels))[e.digit] + 1e-15))
        .average()
        .orElseThrow();
  }

  private double[] activate(double[] pixels) {
    double[] units = new double[hidden.length];
    for (int u = 0; u < units.length; u++) {
      units[u] = Math.max(0, weigh(hidden[u], pixels));
    }
    return units;
  }

  private double[] probabilities(double[] units) {
    double[] chances = new double[CLASSES];
    double highest = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < CLASSES; k++) {
      chances[k] = weigh(output[k], units);
      highest = Math.max(highest, chances[k]);
    }
    double total = 0;
    for (int k = 0; k < CLASSES; k++) {
      chances[k] = Math.exp(chances[k] - highest);
      total += chances[k];
    }
    for (int k = 0; k < CLASSES; k++) {
      chances[k] /= total;
    }
    return chances;
  }

  private static double weigh(double[] weights, double[] inputs) {
    double sum = weights[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      sum += weights[i] * inputs[i];
    }
    return sum;
  }

  private static void descend(double[] weights, double[] inputs, double rate) {
    for (int i = 0; i < inputs.length; i++) {
      weights[i] -= rate * inputs[i];
    }
    weights[inputs.length] -= rate;
  }

  /** Writes the weights; another process sees all of them or no file. */
  void save(Path path) throws IOException {
    Files.createDirectories(path.getParent());
    Path partial = Files.createTempFile(path.getParent(), "partial-", "");
    try (DataOutputStream file =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(partial)))) {
      file.writeInt(hidden[0].length - 1);
      file.writeInt(hidden.length);
      for (double[][] layer : List.of(hidden, output)) {
        for (double[] row : layer) {
          for (double weight : row) {
            file.writeDouble(weight);
          }
        }
      }
    }
    Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE);
  }

  static Network load(Path path) throws IOException {
    try (DataInputStream file =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(path)))) {
      Network network = new Network(file.readInt(), file.readInt());
      for (double[][] layer : List.of(network.hidden, network.output)) {
        for (double[] row : layer) {
          for (int i = 0; i < row.length; i++) {
            row[i] = file.readDouble();
          }
        }
      }
      return network;
    }
  }
}
