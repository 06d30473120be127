"""What the demo trains: a small neural network on scikit-learn's handwritten digits.

1,797 images of 8 by 8 pixels. A fifth of them is held out and says how good a model is; the others
are also shown moved by a pixel to each side, so that long training keeps paying.
"""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def _moved(images: numpy.ndarray) -> numpy.ndarray:
    """The images as they are and moved by a pixel to each side: five times as many."""
    square = numpy.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    places = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    return numpy.concatenate(
        [square[:, top : top + 8, left : left + 8].reshape(-1, 64) for top, left in places]
    )


_images, _labels = load_digits(return_X_y=True)
_shown, HELD_OUT_X, _shown_labels, HELD_OUT_Y = train_test_split(
    _images / 16.0, _labels, test_size=0.2, random_state=0, stratify=_labels
)
TRAIN_X, TRAIN_Y = _moved(_shown), numpy.tile(_shown_labels, 5)
CLASSES = numpy.arange(10)


class Model:
    """One network in training.

    Args:
        parameters: the trial's configuration, by name.
        seed: of its initial weights and of the order of the images.
    """

    def __init__(self, parameters: Mapping[str, Any], seed: int) -> None:
        self._network = MLPClassifier(
            hidden_layer_sizes=(parameters["hidden"],) * parameters["layers"],
            activation=parameters["activation"],
            solver=parameters["solver"],
            learning_rate_init=parameters["learning_rate"],
            momentum=parameters.get("momentum", 0.9),
            alpha=parameters["alpha"],
            batch_size=parameters["batch_size"],
            random_state=seed,
        )

    def train_one_epoch(self) -> dict[str, float]:
        """Shows it every image once.

        Returns:
            On the held-out digits: `val_loss`, the log loss, and `error`, the share that it reads
            wrongly.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a learning rate that is too high overflows
            self._network.partial_fit(TRAIN_X, TRAIN_Y, classes=CLASSES)
            chances = self._network.predict_proba(HELD_OUT_X)
        right = chances[numpy.arange(len(HELD_OUT_Y)), HELD_OUT_Y]
        return {
            "val_loss": float(-numpy.log(numpy.maximum(right, 1e-15)).mean()),
            "error": float((chances.argmax(axis=1) != HELD_OUT_Y).mean()),
        }

    def save(self, path: Path) -> str:
        """Writes all that training needs to go on; the file appears whole or not at all."""
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(pickle.dumps(self._network))
        part.replace(path)
        return str(path)

    def load(self, path: str) -> None:
        """Takes up the training where `save` left it."""
        self._network = pickle.loads(Path(path).read_bytes())
