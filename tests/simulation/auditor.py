"""Watches a history event by event and asserts what may never be otherwise.

It keeps books of its own and reads nothing of the core's but the spec's numbers: an independent
witness, at O(log n) an event.
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from fractions import Fraction

from asha_server.search.event import (
    ExperimentStateChanged,
    MetricReported,
    Record,
    TrialAssigned,
    TrialCreated,
    TrialStateChanged,
)
from asha_server.search.experiment import Experiment
from asha_server.search.spec import AdaptiveAsha, AsyncHalving
from asha_server.search.terms import (
    AssignmentKind,
    Goal,
    HalvingVariant,
    TrialState,
    TrialStateCause,
)

Key = tuple[bool, float, int, int]


class Auditor:
    """The witness of one experiment.

    Args:
        experiment: as it was created.
    """

    def __init__(self, experiment: Experiment) -> None:
        state = experiment.state
        spec = state.spec
        self._sign = 1.0 if spec.metric.goal is Goal.MINIMIZE else -1.0
        method = spec.method
        self._promotes, self._divisor = False, Fraction(1)
        if isinstance(method, AdaptiveAsha | AsyncHalving):
            self._promotes = method.variant is HalvingVariant.PROMOTION
            self._divisor = Fraction(str(method.divisor))
        self._sequence = 1
        self._progress = 0.0
        self._holder: dict[int, str] = {}  # trial -> worker, of those active
        self._worker: dict[int, str] = {}  # trial -> worker, of the latest attempt
        self._bracket: dict[int, int] = {}
        self._on_its_way: dict[int, int] = {}  # trial -> rung, of those running and queued
        # (bracket, rung) -> list[Key], best first; and who was promoted out of it.
        self._entries: dict[tuple[int, int], list[Key]] = defaultdict(list)
        self._keys: dict[tuple[int, int], Key] = {}
        self._promoted: dict[tuple[int, int], set[int]] = defaultdict(set)

    def witness(self, record: Record, limit: int | None) -> None:
        """One event, in its place.

        Args:
            record: the event.
            limit: most trials that may be active now; None: any number.
        """
        most = math.inf if limit is None else max(limit, len(self._holder))  # lowering ends nobody
        assert record.sequence == self._sequence + 1, f"{record} follows event {self._sequence}"
        self._sequence = record.sequence
        event = record.event
        match event:
            case TrialCreated():
                assert event.trial_number not in self._bracket, "a number is given twice"
                self._bracket[event.trial_number] = event.bracket
                if not event.has_observations:
                    self._on_its_way[event.trial_number] = event.rung
            case TrialAssigned():
                self._assigned(event)
            case MetricReported():
                self._reported(event)
            case TrialStateChanged():
                self._changed(event)
            case ExperimentStateChanged():
                self._holder.clear()
                if event.state.is_ended:
                    self._on_its_way.clear()
        assert len(self._holder) <= most, f"{len(self._holder)} trials are active"

    def progressed(self, progress: float) -> None:
        """Progress never falls, whatever happens to the server."""
        assert progress >= self._progress, f"progress fell from {self._progress} to {progress}"
        self._progress = progress

    def _assigned(self, event: TrialAssigned) -> None:
        number = event.trial_number
        assert number not in self._holder, f"trial {number} has two live leases"
        assert event.worker_id not in self._holder.values(), f"{event.worker_id} has two trials"
        self._holder[number] = self._worker[number] = event.worker_id
        self._bracket[number] = event.bracket
        self._on_its_way[number] = event.rung
        if event.kind is AssignmentKind.PROMOTED and self._promotes:
            self._promote(number, event.bracket, event.rung - 1)

    def _reported(self, event: MetricReported) -> None:
        number = event.trial_number
        if event.attempt:
            assert number in self._holder, f"trial {number} reports without a lease"
        bracket = self._bracket[number]
        for index in range(event.entered_count):
            rung = event.first_rung + index
            self._enter(number, bracket, rung, event.value)
            self._on_its_way[number] = rung + 1
            if index < event.promoted_count and self._promotes:
                self._promote(number, bracket, rung)
        if event.trial_state is not TrialState.RUNNING:
            self._holder.pop(number, None)
            self._on_its_way.pop(number, None)

    def _changed(self, event: TrialStateChanged) -> None:
        number = event.trial_number
        if event.cause is TrialStateCause.INFEASIBLE:
            self._leave(number)
        elif event.entered_rung >= 0:
            self._enter(number, self._bracket[number], event.entered_rung, event.entered_value)
        self._holder.pop(number, None)
        if event.state is TrialState.RUNNING:
            assert self._worker[number] not in self._holder.values(), "it took other work"
            self._holder[number] = self._worker[number]
        elif event.state is not TrialState.QUEUED:
            self._on_its_way.pop(number, None)

    def _leave(self, number: int) -> None:
        """An infeasible trial's entries leave every rung."""
        bracket = self._bracket[number]
        for place in [place for place in self._keys if place[0] == number]:
            self._entries[bracket, place[1]].remove(self._keys.pop(place))
            self._promoted[bracket, place[1]].discard(number)

    def _enter(self, number: int, bracket: int, rung: int, value: float | None) -> None:
        assert (number, rung) not in self._keys, f"trial {number} enters rung {rung} again"
        is_finite = value is not None and math.isfinite(value)
        ranked = self._sign * value if is_finite and value is not None else 0.0
        key = (not is_finite, ranked, self._sequence, number)
        self._keys[number, rung] = key
        bisect.insort(self._entries[bracket, rung], key)

    def _promote(self, number: int, bracket: int, rung: int) -> None:
        """A promotion is of the best floor(n / d), or the one of a final rung without any."""
        entries, promoted = self._entries[bracket, rung], self._promoted[bracket, rung]
        assert number not in promoted, f"trial {number} is promoted twice out of rung {rung}"
        key = self._keys[number, rung]
        assert not key[0], f"trial {number} is promoted with a value that is not finite"
        rank = bisect.bisect_left(entries, key)
        if rank >= len(entries) // self._divisor:
            assert not promoted, f"trial {number}: rank {rank} of {len(entries)} is promoted"
            coming = [
                other
                for other, heading in self._on_its_way.items()
                if other != number and heading <= rung and self._bracket[other] == bracket
            ]
            assert not coming, f"trial {number} closes out rung {rung}, but {coming} will enter it"
        promoted.add(number)
