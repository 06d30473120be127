"""The five-line loop: a worker with the Python client. ASHA_SERVER names the server."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import asha_client as asha
from network import Network

checkpoints = Path("checkpoints")
experiment = asha.connect().experiment(sys.argv[1] if len(sys.argv) > 1 else "digits")
for trial in experiment.trials():
    model = Network(**trial.parameters, seed=trial.seed)
    if trial.checkpoint:
        model.load(trial.checkpoint)
    for step in trial.steps():
        loss = model.train_one_epoch()
        path = checkpoints / f"{trial.number}-{step}.pickle"
        decision = trial.report(step, {"val_loss": loss}, checkpoint=partial(model.save, path))
        print(f"trial {trial.number} epoch {step}: {loss:.4f} {decision.verdict.name}")
