"""The same training without any client: parameters are options, metrics are lines.

asha run -e digits -- python examples/digits/program.py --lr {lr} --hidden {hidden}
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from network import Network

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--hidden", type=int, required=True)
options = parser.parse_args()

model = Network(options.lr, options.hidden, int(os.environ.get("ASHA_SEED", "0")))
start = int(os.environ.get("ASHA_START_STEP", "0"))
if os.environ.get("ASHA_CHECKPOINT"):
    model.load(os.environ["ASHA_CHECKPOINT"])
directory = Path(os.environ.get("ASHA_CHECKPOINT_DIR", "checkpoints"))

for epoch in range(start + 1, int(os.environ.get("ASHA_MAX_LENGTH", "27")) + 1):
    loss = model.train_one_epoch()
    saved = model.save(directory / f"epoch-{epoch}.pickle")
    print(json.dumps({"step": epoch, "val_loss": loss, "checkpoint": saved}), flush=True)
