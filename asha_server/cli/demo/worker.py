"""A worker of the demo: trains one trial after the other until the search is finished.

python -m asha_server.cli.demo.worker ADDRESS EXPERIMENT DIRECTORY
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import asha_client as asha

from asha_server.cli.demo.digits import Model


def main(address: str, experiment_id: str, checkpoints: Path) -> None:
    """Works for one experiment; checkpoints go where every worker can read them."""
    experiment = asha.connect(address).experiment(experiment_id)
    for trial in experiment.trials():
        model = Model(trial.parameters, trial.seed)
        if trial.checkpoint:
            model.load(trial.checkpoint)
        for step in trial.steps():
            metrics = model.train_one_epoch()
            path = checkpoints / f"trial-{trial.number}-epoch-{step}.pickle"
            trial.report(step, metrics, checkpoint=partial(model.save, path))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
