"""What the demo shows while it runs: progress, throughput, rungs, the best so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator

import click

from asha_server.cli import experiment_text, wording
from asha_server.cli.table import Part, is_terminal
from asha_server.pb.experiment_pb2 import Experiment

REFRESH_S = 0.5
"""Pause between two looks. Seconds."""
LINE_EVERY_S = 2.0
"""Pause between two lines where nobody looks at a terminal. Seconds."""
WINDOW_S = 5.0
"""Over which time the throughput is taken. Seconds."""

Look = Callable[[], Experiment]


class Throughput:
    """Units trained in a second, over the last few."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()

    def note(self, now_s: float, total_length: int) -> float:
        """Takes a look into account; units in a second."""
        self._looks.append((now_s, total_length))
        while len(self._looks) > 2 and self._looks[0][0] < now_s - WINDOW_S:
            self._looks.popleft()
        began_s, before = self._looks[0]
        elapsed_s = now_s - began_s
        return (total_length - before) / elapsed_s if elapsed_s else 0.0


def follow(look: Look, address: str, worker_count: int, is_json: bool) -> None:
    """Shows the search until it has ended: live on a terminal, else as lines.

    Args:
        look: asks for the experiment as it is now.
        address: of the server.
        worker_count: processes that train.
        is_json: whether standard output is for facts: then the lines go to standard error.
    """
    if is_terminal() and not is_json:
        from asha_server.cli import drawing  # noqa: PLC0415  # rich takes 40 ms to import

        drawing.follow(_screens(look, address, worker_count))
        return
    said_s = 0.0
    throughput = Throughput()
    for experiment in _looks(look):
        now_s = time.monotonic()
        speed = throughput.note(now_s, experiment.total_length)
        if now_s - said_s >= LINE_EVERY_S or experiment.state in experiment_text.ENDED:
            said_s = now_s
            line = f"{experiment_text.progress_line(experiment)}  {speed:.0f} epochs/s"
            click.echo(line, err=is_json)


def _looks(look: Look) -> Iterator[Experiment]:
    while True:
        experiment = look()
        yield experiment
        if experiment.state in experiment_text.ENDED:
            return
        time.sleep(REFRESH_S)


def _screens(look: Look, address: str, worker_count: int) -> Iterator[list[Part]]:
    throughput = Throughput()
    for experiment in _looks(look):
        speed = throughput.note(time.monotonic(), experiment.total_length)
        yield screen(experiment, speed, address, worker_count)


def screen(experiment: Experiment, speed: float, address: str, worker_count: int) -> list[Part]:
    """One screen.

    Args:
        experiment: as it is now.
        speed: epochs in a second.
        address: of the server.
        worker_count: processes that train.
    """
    total = sum(bracket.max_trials for bracket in experiment.brackets)
    elapsed = wording.duration(wording.seconds_of(experiment.wall_time))
    best = wording.NOTHING
    if experiment.HasField("incumbent"):
        best = experiment_text.best(experiment.incumbent)
    return [
        f"{bar(experiment.progress)} {wording.percent(experiment.progress)}   {elapsed}",
        f"trials   {experiment.trial_counts.created} of {total}: "
        f"{experiment_text.counts(experiment.trial_counts)}",
        f"trained  {experiment.total_length:,} epochs by {worker_count} worker processes, "
        f"{speed:.0f} epochs/s",
        f"best     val_loss {best}",
        "",
        experiment_text.rung_table(experiment.brackets),
        "",
        f"Look from another shell: asha status {experiment.experiment_id} --server {address}",
        "Ctrl-C stops it; asha demo --resume goes on.",
    ]


def bar(fraction: float, width: int = 40) -> str:
    """A bar of so many characters, filled to a fraction of 0 to 1."""
    filled = int(fraction * width)
    return "█" * filled + "░" * (width - filled)
