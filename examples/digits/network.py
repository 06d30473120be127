"""A small network on scikit-learn's handwritten digits, trained epoch by epoch."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    images / 16.0, labels, test_size=0.2, random_state=0, stratify=labels
)


class Network:
    def __init__(self, lr: float, hidden: int, seed: int) -> None:
        self._model = MLPClassifier((hidden,), learning_rate_init=lr, random_state=seed)

    def train_one_epoch(self) -> float:
        """One pass over the training images; the log loss on the others."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model.partial_fit(train_x, train_y, classes=numpy.arange(10))
            chances = self._model.predict_proba(test_x)
        return float(-numpy.log(chances[numpy.arange(len(test_y)), test_y] + 1e-15).mean())

    def save(self, path: Path) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(self._model))
        return str(path.resolve())

    def load(self, path: str) -> None:
        self._model = pickle.loads(Path(path).read_bytes())
