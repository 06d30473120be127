"""Deciding a history anew leads to the same history, whatever happened in it."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from asha_server.search.command import GetSuggestion, ReleaseTrial, ReportMetric
from asha_server.search.event import MetricReported, Record, TrialAssigned
from asha_server.search.experiment import Experiment
from asha_server.search.redecision import Redecision
from asha_server.search.terms import AssignmentKind
from asha_server.store.history import decode_record, encode

from .drive import spec_of
from .twin import Twin
from .walk import Walker, configuration, pbt_configuration, synchronous_configuration

SEEDS = 40
STEPS = 150


@pytest.mark.parametrize(
    "configure",
    [configuration, synchronous_configuration, pbt_configuration],
    ids=["asynchronous", "synchronous", "pbt"],
)
def test_random_histories_are_decided_anew_alike(configure: object) -> None:
    """As they come out of a file, not-a-numbers included."""
    events = decisions = 0
    for seed in range(SEEDS):
        random = Random(seed)
        twin = Twin(configure(random))  # type: ignore[operator]  # a function of the three above
        walker = Walker(random, twin)
        for _ in range(STEPS):
            walker.step()
        history = [decode_record(encode(record)) for record in twin.records]
        redecision = Redecision(history)

        assert redecision.run() is None, f"seed {seed}"

        assert redecision.event_count == len(history)
        events += redecision.event_count
        decisions += redecision.decision_count
    assert events > 10 * SEEDS
    assert decisions > SEEDS


def _history() -> list[Record]:
    """Worker a gives trial 0 back for another one, b gets trial 0; both report."""
    spec = spec_of({"method": "async_halving", "num_rungs": 2, "divisor": 2, "max_length": 2,
                    "max_trials": 4, "goal": "MINIMIZE"})  # fmt: skip
    experiment, created = Experiment.create("e", spec, seed=1, now_us=1)
    records = [created]
    for command in (
        GetSuggestion("a"),
        GetSuggestion("a", release_held=True),
        GetSuggestion("b"),
        ReportMetric(1, 1, 1, (("loss", 0.5),)),
        ReportMetric(0, 2, 1, (("loss", 0.4),)),
    ):
        records += experiment.decide(command, now_us=len(records) + 1).records
    return records


def test_a_trial_given_back_for_another_one_is_passed_over() -> None:
    """The event says nothing of it: without it the worker would get the same trial again."""
    history = _history()
    assert [r.event.trial_number for r in history if isinstance(r.event, TrialAssigned)] == [
        0, 1, 0,
    ]  # fmt: skip

    assert Redecision(history).run() is None


def test_a_trial_given_back_is_passed_over_though_another_had_it_meanwhile() -> None:
    """Found by a kill: a gives trial 0 back and waits; b takes it and gives it back as well."""
    spec = spec_of({"method": "random", "max_length": 2, "max_trials": 2, "goal": "MINIMIZE"})
    experiment, created = Experiment.create("e", spec, seed=1, now_us=1)
    records = [created]
    for command in (
        GetSuggestion("a"),
        GetSuggestion("c"),
        GetSuggestion("a", release_held=True),
        GetSuggestion("b"),
        GetSuggestion("b", release_held=True),
        ReleaseTrial(1, 1, "preempted"),
        GetSuggestion("a", declined=0),
    ):
        records += experiment.decide(command, now_us=len(records) + 1).records
    last = records[-1].event
    assert isinstance(last, TrialAssigned)
    assert (last.worker_id, last.trial_number) == ("a", 1)

    assert Redecision(records).run() is None


def test_a_wrong_assignment_of_another_worker_is_found() -> None:
    """B is handed a new trial though trial 0 waits to be retried, and b never had that."""
    history = _history()
    place = next(i for i, r in enumerate(history) if _is_to(r, "b"))
    event = msgspec.structs.replace(history[place].event, trial_number=1, kind=AssignmentKind.NEW)
    history[place] = msgspec.structs.replace(history[place], event=event)

    difference = Redecision(history).run()

    assert difference is not None
    assert difference.record == history[place]
    assert difference.found is not None
    assert difference.found.event == _history()[place].event


def _is_to(record: Record, worker: str) -> bool:
    return isinstance(record.event, TrialAssigned) and record.event.worker_id == worker


def test_a_wrong_rank_is_found_and_counts_what_was_alike() -> None:
    history = _history()
    event = history[-1].event
    assert isinstance(event, MetricReported)
    decision = msgspec.structs.replace(event.decision, rank=1)
    wrong = msgspec.structs.replace(
        history[-1], event=msgspec.structs.replace(event, decision=decision)
    )
    redecision = Redecision([*history[:-1], wrong])

    difference = redecision.run()

    assert difference is not None
    assert (difference.record, difference.found) == (wrong, history[-1])
    assert (redecision.event_count, redecision.decision_count) == (len(history) - 1, 1)


def test_a_history_that_ends_in_the_middle_of_a_command_is_found() -> None:
    """A new trial that nobody got."""
    difference = Redecision(_history()[:2]).run()

    assert difference is not None
    assert difference.why == "nobody gets the new trial"


def test_a_refused_command_is_found() -> None:
    """A report of an attempt that had given its trial back."""
    history = _history()
    event = history[-1].event
    wrong = msgspec.structs.replace(history[-1], event=msgspec.structs.replace(event, attempt=1))

    difference = Redecision([*history[:-1], wrong]).run()

    assert difference is not None
    assert (difference.record, difference.found) == (wrong, None)
    assert "the lease of attempt 1 of trial 0 is lost" in difference.why


def test_a_release_is_decided_as_one() -> None:
    spec = spec_of({"method": "single", "max_length": 2, "goal": "MINIMIZE"})
    experiment, created = Experiment.create("e", spec, seed=1, now_us=1)
    records = [created, *experiment.decide(GetSuggestion("a"), now_us=2).records]
    records += experiment.decide(ReleaseTrial(0, 1, "preempted"), now_us=3).records
    records += experiment.decide(GetSuggestion("a"), now_us=4).records

    assert Redecision(records).run() is None
