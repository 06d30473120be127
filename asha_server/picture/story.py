"""Who trained which trial from when to when: the history of a search as stretches of training."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from asha_server.search.event import (
    ExperimentCreated,
    ExperimentStateChanged,
    MetricReported,
    RungClosed,
    TrialAssigned,
    TrialCreated,
    TrialStateChanged,
)
from asha_server.search.terms import TrialState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asha_server.search.bracket import Geometry
    from asha_server.search.event import Event, Record

SECOND_US = 1_000_000


class Ending(StrEnum):
    """How a stretch of training ended."""

    WENT_ON = "went on"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"
    LOST = "lost"
    CUT_OFF = "cut off"


@dataclass(slots=True)
class Stretch:
    """A worker trains a trial from one step to the next rung, or until it is lost.

    Attributes:
        worker: 0-based, in the order in which workers first got work.
        trial: its number.
        start_s: when it begins. Seconds.
        from_step: units trained before.
        to_step: the length of the rung it is heading for. Units.
        end_s: when it ends. Seconds.
        ending: how it ends.
    """

    worker: int
    trial: int
    start_s: float
    from_step: int
    to_step: int
    end_s: float = 0.0
    ending: Ending = Ending.CUT_OFF


@dataclass(slots=True)
class Story:
    """A search as it went.

    Attributes:
        brackets: Sequence[Geometry], as planned.
        unit: the name of a unit of length.
        workers: how many there are, idle ones included.
        elapsed_s: when it ended, or the looking did. Seconds.
        bracket_of: trial number -> its bracket.
        stretches: list[Stretch], by start.
        stopped_s: trial number -> when it was stopped at a rung where it was paused. Seconds.
    """

    brackets: Sequence[Geometry]
    unit: str
    workers: int
    elapsed_s: float
    bracket_of: dict[int, int] = field(default_factory=dict)
    stretches: list[Stretch] = field(default_factory=list)
    stopped_s: dict[int, float] = field(default_factory=dict)

    def trained_in_full_s(self) -> list[float]:
        """When each trial that trained to the full length did so. Seconds, ascending."""
        return sorted(s.end_s for s in self.stretches if s.ending is Ending.COMPLETED)


def story_of(records: Iterable[Record], workers: int, elapsed_s: float) -> Story:
    """The story of a history. O(records).

    Args:
        records: the whole history of a simulated search, in order.
        workers: how many there were, >= 1.
        elapsed_s: when it ended, or the looking did. Seconds.
    """
    history = iter(records)
    created = next(history).event
    assert isinstance(created, ExperimentCreated)
    story = Story(created.spec.geometry(), created.spec.unit, workers, elapsed_s)
    teller = _Teller(story)
    for record in history:
        teller.tell(record.event, record.time_us / SECOND_US)
    for stretch in teller.under_way.values():
        stretch.end_s = elapsed_s
    return story


class _Teller:
    """Follows a history.

    Attributes:
        under_way: trial number -> the stretch that is not over yet.
    """

    def __init__(self, story: Story) -> None:
        self._story = story
        self._workers: dict[str, int] = {}
        # Trial number -> the rung in which it is paused.
        self._paused: dict[int, int] = {}
        self.under_way: dict[int, Stretch] = {}

    def tell(self, event: Event, time_s: float) -> None:
        match event:
            case TrialCreated():
                self._story.bracket_of[event.trial_number] = event.bracket
            case TrialAssigned():
                worker = self._workers.setdefault(event.worker_id, len(self._workers))
                self._paused.pop(event.trial_number, None)
                self._story.bracket_of[event.trial_number] = event.bracket
                self._begin(event.trial_number, worker, time_s, event.start_step, event.rung)
            case MetricReported():
                self._report(event, time_s)
            case TrialStateChanged():
                self._end(event.trial_number, time_s, Ending.LOST)
            case RungClosed():
                closed = [
                    trial
                    for trial, rung in self._paused.items()
                    if rung == event.rung and self._story.bracket_of[trial] == event.bracket
                ]
                for trial in closed:
                    self._stop(trial, time_s)
            case ExperimentStateChanged() if event.state.is_ended:
                for trial in list(self._paused):
                    self._stop(trial, time_s)

    def _begin(self, trial: int, worker: int, time_s: float, from_step: int, rung: int) -> None:
        lengths = self._story.brackets[self._story.bracket_of[trial]].rung_lengths
        stretch = Stretch(worker, trial, time_s, from_step, lengths[rung])
        self.under_way[trial] = stretch
        self._story.stretches.append(stretch)

    def _report(self, event: MetricReported, time_s: float) -> None:
        trial, decision = event.trial_number, event.decision
        rung = event.first_rung + event.entered_count
        match decision.verdict:
            case Verdict.CONTINUE:
                stretch = self._end(trial, time_s, Ending.WENT_ON)
                self._begin(trial, stretch.worker, time_s, event.step, rung)
            case Verdict.PAUSE:
                self._end(trial, time_s, Ending.PAUSED)
                self._paused[trial] = rung - 1
            case Verdict.STOP:
                is_full = event.trial_state is TrialState.COMPLETED
                self._end(trial, time_s, Ending.COMPLETED if is_full else Ending.STOPPED)

    def _end(self, trial: int, time_s: float, ending: Ending) -> Stretch:
        stretch = self.under_way.pop(trial)
        stretch.end_s, stretch.ending = time_s, ending
        return stretch

    def _stop(self, trial: int, time_s: float) -> None:
        del self._paused[trial]
        self._story.stopped_s[trial] = time_s
