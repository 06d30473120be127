/**
 * A worker that trains a small neural network to read handwritten digits, with no framework.
 *
 *     node dist/examples/digits.js --server localhost:50051 --experiment digits [--checkpoints FOLDER]
 *
 * The experiment's metric is `val_loss` (to be minimized), its unit an epoch. Of its parameters it takes `lr` and
 * `hidden`, where they exist.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

import type { Trial } from "asha-client";
import { CheckpointUnreadable, connect, shutdownSignal } from "asha-client";

const PIXELS = 64;
const CLASSES = 10;
const TRAINING_SHARE = 0.75;

interface Example {
  readonly pixels: Float64Array;
  readonly digit: number;
}

/** One hidden layer of rectified units, trained by stochastic gradient descent on the cross-entropy. */
class Network {
  constructor(
    readonly hidden: number,
    readonly weights: Float64Array, // hidden x (PIXELS + 1), then CLASSES x (hidden + 1); biases last in each row
  ) {}

  static random(hidden: number, random: () => number): Network {
    const network = new Network(hidden, new Float64Array(hidden * (PIXELS + 1) + CLASSES * (hidden + 1)));
    const scale = Math.sqrt(2 / PIXELS);
    network.weights.forEach((_, index) => (network.weights[index] = scale * (2 * random() - 1)));
    return network;
  }

  /** The example's loss; with a learning rate, a step down its gradient. */
  learn({ pixels, digit }: Example, rate = 0): number {
    const { hidden, weights } = this;
    const second = hidden * (PIXELS + 1);
    const units = new Float64Array(hidden + 1).fill(1);
    for (let unit = 0; unit < hidden; unit += 1)
      units[unit] = Math.max(0, this.#row(unit * (PIXELS + 1), pixels, PIXELS));
    const scores = Float64Array.from({ length: CLASSES }, (_, k) =>
      this.#row(second + k * (hidden + 1), units, hidden),
    );
    const highest = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - highest), 0);
    const loss = Math.log(total) + highest - scores[digit]!;
    if (rate === 0) return loss;

    const blame = new Float64Array(hidden);
    for (let k = 0; k < CLASSES; k += 1) {
      const error = Math.exp(scores[k]! - highest) / total - (k === digit ? 1 : 0);
      const row = second + k * (hidden + 1);
      for (let unit = 0; unit <= hidden; unit += 1) {
        if (unit < hidden && units[unit]! > 0) blame[unit]! += error * weights[row + unit]!;
        weights[row + unit]! -= rate * error * units[unit]!;
      }
    }
    for (let unit = 0; unit < hidden; unit += 1) {
      const row = unit * (PIXELS + 1);
      for (let pixel = 0; pixel < PIXELS; pixel += 1) weights[row + pixel]! -= rate * blame[unit]! * pixels[pixel]!;
      weights[row + PIXELS]! -= rate * blame[unit]!;
    }
    return loss;
  }

  #row(start: number, inputs: Float64Array, count: number): number {
    let sum = this.weights[start + count]!;
    for (let index = 0; index < count; index += 1) sum += this.weights[start + index]! * inputs[index]!;
    return sum;
  }

  async save(path: string): Promise<string> {
    await writeFile(path, JSON.stringify([...this.weights]));
    return path;
  }

  async load(path: string): Promise<void> {
    try {
      this.weights.set(JSON.parse(await readFile(path, "utf8")) as number[]);
    } catch (error) {
      throw new CheckpointUnreadable(`${path} cannot be read`, { cause: error });
    }
  }
}

/** Reproducible numbers in [0, 1): a linear congruential generator (Numerical Recipes). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

function shuffle<T>(items: T[], random: () => number): T[] {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
  return items;
}

async function readExamples(): Promise<{ training: Example[]; validation: Example[] }> {
  const text = await readFile(new URL("../../../data/digits.csv", import.meta.url), "utf8");
  const examples = text
    .trim()
    .split("\n")
    .map((line) => {
      const numbers = line.split(",").map(Number);
      return { pixels: Float64Array.from(numbers.slice(0, PIXELS), (grey) => grey / 16), digit: numbers[PIXELS]! };
    });
  shuffle(examples, generator(0));
  const count = Math.floor(TRAINING_SHARE * examples.length);
  return { training: examples.slice(0, count), validation: examples.slice(count) };
}

const { values } = parseArgs({
  options: {
    server: { type: "string" },
    experiment: { type: "string", default: "digits" },
    checkpoints: { type: "string", default: "asha-checkpoints" },
  },
});
const folder = resolve(values.checkpoints);
await mkdir(folder, { recursive: true });
const { training, validation } = await readExamples();

async function train(trial: Trial): Promise<void> {
  const rate = Number(trial.parameters["lr"] ?? 0.01);
  const network = Network.random(Number(trial.parameters["hidden"] ?? 32), generator(trial.seed));
  if (trial.checkpoint) await network.load(trial.checkpoint);
  for (const step of trial.steps()) {
    for (const example of shuffle([...training], generator(trial.seed + Number(step)))) network.learn(example, rate);
    const loss = validation.reduce((sum, example) => sum + network.learn(example), 0) / validation.length;
    const path = `${folder}/${trial.experimentId}-${trial.number}-${step}.json`;
    const decision = await trial.report(step, { val_loss: loss }, () => network.save(path));
    console.log(`trial ${trial.number} epoch ${step}: ${loss.toFixed(4)} ${decision.verdict}`);
  }
}

await using client = connect(values.server);
await client.experiment(values.experiment).run(train, { signal: shutdownSignal() });
