"""A history on its way back to the experiment that it tells of, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.search.event import ExperimentCreated, TrialCreated
from asha_server.search.evolve import apply, begin
from asha_server.search.experiment import Experiment

if TYPE_CHECKING:
    from asha_server.search.event import Record


class Replay:
    """An experiment that grows by the events of a history; nothing is decided again.

    Attributes:
        count: events taken so far.
        experiment: what they make; there is none before the first.
    """

    __slots__ = ("count", "experiment")

    def __init__(self) -> None:
        self.count = 0
        self.experiment: Experiment

    def take(self, record: Record) -> None:
        """Takes the next event of the history.

        Raises:
            ValueError: it is not the next one, or of a trial that there is not.
            Exception: it is impossible; the experiment is of no use any more.
        """
        if record.sequence != self.count + 1:
            raise ValueError(f"then comes event {record.sequence}")
        if self.count == 0:
            if not isinstance(record.event, ExperimentCreated):
                raise ValueError(f"a history begins with no {type(record.event).__name__}")
            self.experiment = Experiment(begin(record))
        else:
            self._refuse_unknown_trial(record)
            apply(self.experiment.state, record)
        self.count += 1

    def _refuse_unknown_trial(self, record: Record) -> None:
        if isinstance(record.event, TrialCreated):
            return
        number = getattr(record.event, "trial_number", None)
        if number is not None and not 0 <= number < len(self.experiment.state.trials):
            raise ValueError(f"there is no trial {number} yet")
