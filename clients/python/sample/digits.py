"""Trains a small network on handwritten digits, trial by trial, with numpy alone.

    python sample/digits.py --server localhost:50051 --experiment digits

The experiment has the parameters `lr` and `hidden`, the metric `val_loss` (to be minimized) and
epochs as its unit.
"""

from __future__ import annotations

import argparse
import logging
from functools import partial
from pathlib import Path

import numpy

import asha_client as asha

log = logging.getLogger("digits")

DIGITS = Path(__file__).resolve().parents[2] / "data" / "digits.csv"
"""8 x 8 pixels of 0 to 16, then the digit, a line each."""

TRAIN_COUNT = 1400
BATCH = 32


class Network:
    """One hidden layer of rectified units, trained by stochastic gradient descent."""

    def __init__(self, lr: float, hidden: int, seed: int) -> None:
        self._random = numpy.random.default_rng(seed)
        self._lr = lr
        self._weights = [
            self._random.normal(0, (2 / rows) ** 0.5, (rows, columns))
            for rows, columns in ((65, hidden), (hidden + 1, 10))
        ]

    def train_one_epoch(self, pixels: numpy.ndarray, digits: numpy.ndarray) -> None:
        """One pass over the images, in a new order."""
        order = self._random.permutation(len(digits))
        for begin in range(0, len(order), BATCH):
            batch = order[begin : begin + BATCH]
            self._learn(pixels[batch], digits[batch])

    def loss(self, pixels: numpy.ndarray, digits: numpy.ndarray) -> float:
        """The mean cross-entropy."""
        chances = self._forward(pixels)[-1]
        return float(-numpy.log(chances[numpy.arange(len(digits)), digits] + 1e-12).mean())

    def save(self, path: Path) -> str:
        """Writes the weights, whole or not at all; the path to load them from."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        numpy.savez(part, *self._weights)
        part.replace(path)
        return str(path)

    def load(self, path: str) -> None:
        """Reads the weights.

        Raises:
            CheckpointUnreadable: they are not there, or another program's.
        """
        try:
            with numpy.load(path) as file:
                self._weights = [file[name] for name in file.files]
        except (OSError, ValueError) as error:
            raise asha.CheckpointUnreadable(f"{path}: {error}") from error

    def _forward(self, pixels: numpy.ndarray) -> tuple[numpy.ndarray, ...]:
        inputs = _with_ones(pixels)
        hidden = _with_ones(numpy.maximum(inputs @ self._weights[0], 0))
        scores = hidden @ self._weights[1]
        chances = numpy.exp(scores - scores.max(axis=1, keepdims=True))
        return inputs, hidden, chances / chances.sum(axis=1, keepdims=True)

    def _learn(self, pixels: numpy.ndarray, digits: numpy.ndarray) -> None:
        inputs, hidden, blame = self._forward(pixels)
        blame[numpy.arange(len(digits)), digits] -= 1
        blame /= len(digits)
        passed_on = (blame @ self._weights[1].T)[:, :-1] * (hidden[:, :-1] > 0)
        self._weights[1] -= self._lr * hidden.T @ blame
        self._weights[0] -= self._lr * inputs.T @ passed_on


def _with_ones(rows: numpy.ndarray) -> numpy.ndarray:
    return numpy.hstack([rows, numpy.ones((len(rows), 1))])


def main() -> None:
    """Trains until the search is finished."""
    parser = argparse.ArgumentParser(description="Trains a small network on handwritten digits.")
    parser.add_argument("--server", help="address; default: ASHA_SERVER, then localhost:50051")
    parser.add_argument("--experiment", default="digits", help="its id; default: digits")
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"), help="folder")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    table = numpy.loadtxt(DIGITS, delimiter=",", dtype=int)
    pixels, digits = table[:, :-1] / 16, table[:, -1]
    folder = options.checkpoints.absolute()
    for trial in asha.connect(options.server).experiment(options.experiment).trials():
        with trial:
            network = Network(trial.parameters["lr"], trial.parameters["hidden"], trial.seed)
            if trial.checkpoint:
                network.load(trial.checkpoint)
            for step in trial.steps():
                network.train_one_epoch(pixels[:TRAIN_COUNT], digits[:TRAIN_COUNT])
                loss = network.loss(pixels[TRAIN_COUNT:], digits[TRAIN_COUNT:])
                path = folder / f"{trial.experiment_id}-{trial.number}-{step}.npz"
                decision = trial.report(step, {"val_loss": loss}, partial(network.save, path))
                log.info("trial %d epoch %d: %.4f %s", trial.number, step, loss, decision.verdict)


if __name__ == "__main__":
    main()
