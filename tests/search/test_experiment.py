"""What the traces leave out: request ids, what is too old to be remembered, clocks, the history."""

from __future__ import annotations

from typing import Any

import pytest

from asha_server.errors import AshaError, ErrorReason, InvalidRequest
from asha_server.search import command as c
from asha_server.search.control import etag
from asha_server.search.event import Record
from asha_server.search.experiment import Experiment
from asha_server.search.space import Categorical, IntRange, ParameterSpec
from asha_server.search.spec import AsyncHalving, ExperimentSpec, Metric, RandomSearch
from asha_server.search.terms import FailureKind, Goal, HalvingVariant, TrialStateCause
from asha_server.search.trial import REMEMBERED_REPORTS

SECOND_US = 1_000_000
KIND = ParameterSpec("kind", Categorical((1, 1.0, True)))
WIDTH = ParameterSpec("width", IntRange(1, 10**6))


class Search:
    """An experiment of nine random trials to 1000 units, with its history."""

    def __init__(self, **fields: Any) -> None:
        spec = ExperimentSpec(
            **{
                "metric": Metric("loss", Goal.MINIMIZE),
                "method": RandomSearch(),
                "max_length": 1000,
                "max_trials": 9,
                **fields,
            }
        )
        self.experiment, created = Experiment.create("search", spec, seed=7, now_us=0)
        self.state = self.experiment.state
        self.records: list[Record] = [created]

    def say(self, command: c.Command, seconds: float = 0) -> Any:
        outcome = self.experiment.decide(command, int(seconds * SECOND_US))
        self.records.extend(outcome.records)
        self.experiment.check()
        return outcome.reply

    def refused(self, command: c.Command) -> AshaError:
        before = self.state.sequence
        with pytest.raises(AshaError) as refusal:
            self.say(command)
        assert self.state.sequence == before
        return refusal.value

    def report(self, step: int, value: float, trial: int = 0, attempt: int = 1) -> c.Answer:
        answer = self.say(c.ReportMetric(trial, attempt, step, (("loss", value),)))
        assert isinstance(answer, c.Answer)
        return answer


# --- Creation and history -------------------------------------------------------------------------


def test_a_wrong_spec_is_refused_with_all_violations() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Experiment.create("search", ExperimentSpec(max_length=0), seed=1, now_us=0)

    assert len(refusal.value.violations) == 4  # metric's name and goal, method, max_length


def test_a_seed_is_drawn_only_where_none_is_given() -> None:
    assert Search().state.spec.seed == 7
    assert Search(seed=3).state.spec.seed == 3


def test_a_history_with_a_gap_is_no_history() -> None:
    search = Search()
    search.say(c.GetSuggestion("a"))
    search.report(1, 0.5)

    with pytest.raises(AssertionError, match="no gaps"):
        Experiment.replay([*search.records[:1], *search.records[2:]])


def test_the_same_seed_and_order_of_commands_make_the_same_history() -> None:
    one, other = Search(parameters=(WIDTH,)), Search(parameters=(WIDTH,))

    for search in (one, other):
        search.say(c.GetSuggestion("a"))
        search.report(1, 0.5)
        search.say(c.GetSuggestion("b"))

    assert one.records == other.records


def test_what_writes_nothing_leaves_no_event() -> None:
    search = Search()
    search.say(c.GetSuggestion("a"))
    search.report(1, 0.5)
    before = len(search.records)

    search.report(1, 0.5)
    search.say(c.Heartbeat(0, 1))
    search.say(c.ShouldStop(0))
    search.say(c.GetSuggestion("a"), seconds=1)  # RESUMED: it has reported

    assert [type(record.event).__name__ for record in search.records[before:]] == [
        "TrialStateChanged",
        "TrialAssigned",
    ]


# --- Request ids ----------------------------------------------------------------------------------


def test_the_same_request_gets_the_same_attempt() -> None:
    search = Search()
    first = search.say(c.GetSuggestion("a", request_id="r1"))
    search.report(1, 0.5)

    assert search.say(c.GetSuggestion("a", request_id="r1")) == first


def test_the_same_request_brings_an_overdue_worker_back() -> None:
    search = Search()
    first = search.say(c.GetSuggestion("a", request_id="r1"))
    search.say(c.ExpireLease(0, 1))

    assert search.say(c.GetSuggestion("a", request_id="r1")) == first
    assert search.state.trials[0].restarts == 0


def test_a_request_whose_attempt_is_over_is_lost() -> None:
    search = Search()
    search.say(c.GetSuggestion("a", request_id="r1"))
    search.say(c.ReleaseTrial(0, 1))

    assert search.refused(c.GetSuggestion("a", request_id="r1")).reason == ErrorReason.LEASE_LOST


def test_a_request_id_of_another_worker_is_refused() -> None:
    search = Search()
    search.say(c.GetSuggestion("a", request_id="r1"))

    refusal = search.refused(c.GetSuggestion("b", request_id="r1"))

    assert refusal.reason == ErrorReason.REQUEST_ID_REUSED


def test_a_wait_is_not_remembered_under_its_request_id() -> None:
    search = Search(max_trials=1)
    search.say(c.GetSuggestion("a"))
    assert isinstance(search.say(c.GetSuggestion("b", request_id="r1")), c.Wait)
    search.say(c.ReleaseTrial(0, 1))

    assert search.say(c.GetSuggestion("b", request_id="r1")).trial_number == 0


def test_the_same_creation_gives_the_same_trial() -> None:
    search = Search(parameters=(WIDTH,))
    given = c.CreateTrial((("width", 3),), request_id="r1")
    first = search.say(given)

    assert search.say(given) == first
    search.say(c.GetSuggestion("a"))
    assert search.say(given) == first
    search.say(c.StopExperiment())
    assert search.say(given) == first
    assert len(search.state.trials) == 1


def test_a_finished_trial_is_created_once_whatever_was_observed() -> None:
    search = Search()
    seen = (c.Observation(3, (("accuracy", 0.5),)),)  # without the search metric
    given = c.CreateTrial((), request_id="r1", observations=seen)
    first = search.say(given)

    assert search.say(given) == first
    other = c.CreateTrial((), request_id="r1", observations=(c.Observation(4, ()), *seen))
    assert search.refused(other).reason == ErrorReason.REQUEST_ID_REUSED


@pytest.mark.parametrize(
    "other",
    [
        c.CreateTrial((("width", 4),), request_id="r1"),
        c.CreateTrial((("width", 3), ("kind", 1)), request_id="r1"),
        c.CreateTrial((("width", 3), ("kind", True)), request_id="r1"),
        c.CreateTrial((("kind", 1.0),), request_id="r1"),
        c.CreateTrial(
            (("width", 3), ("kind", 1.0)),
            request_id="r1",
            observations=(c.Observation(3, (("loss", 0.5),)),),
        ),
    ],
    ids=["another value", "another type", "true for 1.0", "one left out", "finished already"],
)
def test_a_request_id_with_another_trial_is_refused(other: c.CreateTrial) -> None:
    search = Search(parameters=(WIDTH, KIND))
    search.say(c.CreateTrial((("width", 3), ("kind", 1.0)), request_id="r1"))

    assert search.refused(other).reason == ErrorReason.REQUEST_ID_REUSED


# --- Changing the spec ----------------------------------------------------------------------------


def test_the_etag_changes_with_spec_and_state_alone() -> None:
    search = Search()
    first = etag(search.state)
    search.say(c.GetSuggestion("a"))
    search.report(1, 0.5)
    assert etag(search.state) == first

    search.say(c.UpdateExperiment({"max_restarts": 2}, etag=first))
    second = etag(search.state)
    search.say(c.PauseExperiment())

    assert len({first, second, etag(search.state)}) == 3
    refusal = search.refused(c.UpdateExperiment({"max_restarts": 3}, etag=second))
    assert refusal.reason == ErrorReason.ETAG_MISMATCH


def test_a_field_that_is_set_back_to_its_default_has_it_again() -> None:
    search = Search(max_infeasible=0)

    search.say(c.UpdateExperiment({"max_infeasible": None}))
    search.say(c.GetSuggestion("a"))
    search.say(c.FailTrial(0, 1, FailureKind.INFEASIBLE))

    assert search.state.spec.max_infeasible == 9  # as many as there are trials
    assert not search.state.state.is_ended


def test_labels_may_change_after_the_end() -> None:
    search = Search()
    search.say(c.StopExperiment())

    search.say(c.UpdateExperiment({"labels": {"kept": "yes"}}))

    assert search.state.spec.labels == {"kept": "yes"}
    refusal = search.refused(c.UpdateExperiment({"max_restarts": 1}))
    assert refusal.reason == ErrorReason.IMMUTABLE_FIELD


def test_a_change_to_something_impossible_is_refused() -> None:
    refusal = Search().refused(c.UpdateExperiment({"max_restarts": -1}))

    assert refusal.reason == ErrorReason.INVALID_REQUEST


# --- Clocks ---------------------------------------------------------------------------------------


def test_wall_time_stands_still_while_paused() -> None:
    search = Search(max_wall_time_us=100 * SECOND_US)
    search.say(c.GetSuggestion("a"))
    search.say(c.PauseExperiment(), seconds=60)
    search.say(c.CheckBudget(), seconds=1000)
    search.say(c.ResumeExperiment(), seconds=1000)
    search.say(c.CheckBudget(), seconds=1039)
    assert not search.state.state.is_ended

    search.say(c.CheckBudget(), seconds=1040)

    assert search.state.end_reason == "BUDGET_EXHAUSTED"
    assert search.state.progress == 1.0


def test_progress_is_the_greatest_of_work_and_spent_budgets() -> None:
    search = Search(max_wall_time_us=100 * SECOND_US, max_total_length=1000)
    search.say(c.GetSuggestion("a"))
    search.say(c.ReportMetric(0, 1, 300, (("loss", 0.5),)), seconds=20)
    assert search.state.progress == 0.3  # 300 of 1000 units

    search.say(c.ReportMetric(0, 1, 301, (("loss", 0.5),)), seconds=50)
    assert search.state.progress == 0.5  # 50 of 100 s


def test_a_trial_without_progress_is_told_apart_from_a_lost_worker() -> None:
    search = Search()
    search.say(c.GetSuggestion("a"))
    search.say(c.ExpireLease(0, 1, TrialStateCause.PROGRESS_TIMEOUT))

    assert search.state.trials[0].attempt is not None
    assert search.state.trials[0].attempt.end == "PROGRESS_TIMEOUT"
    assert search.say(c.Heartbeat(0, 1)).is_live


def test_a_trial_keeps_the_time_of_the_close_out_that_stopped_it() -> None:
    search = Search(method=AsyncHalving(num_rungs=2, divisor=2.0), max_trials=2)
    for worker in ("a", "b"):
        search.say(c.GetSuggestion(worker))
    search.say(c.ReportMetric(0, 1, 500, (("loss", 0.5),)), seconds=1)
    search.say(c.ReportMetric(1, 1, 500, (("loss", 0.1),)), seconds=2)  # promoted; 0 is stopped
    search.say(c.UpdateExperiment({"max_trials": 3}), seconds=3)
    search.say(c.GetSuggestion("a"), seconds=3)
    search.say(c.ReportMetric(2, 1, 500, (("loss", 0.6),)), seconds=4)  # closes the rung again

    ended = [search.state.standing_of(search.state.trials[number])[2] for number in (0, 2)]

    assert ended == [2 * SECOND_US, 4 * SECOND_US]


# --- What is too old to be remembered -------------------------------------------------------------


def reported(search: Search, count: int) -> None:
    search.say(c.GetSuggestion("a"))
    for step in range(1, count + 1):
        search.report(step, 0.5)


def test_the_latest_reports_are_compared() -> None:
    search = Search()
    reported(search, REMEMBERED_REPORTS)

    refusal = search.refused(c.ReportMetric(0, 1, 1, (("loss", 0.6),)))

    assert refusal.reason == ErrorReason.METRIC_CONFLICT


def test_a_repeat_of_an_older_report_gets_the_present_decision_and_writes_nothing() -> None:
    search = Search()
    reported(search, REMEMBERED_REPORTS + 1)
    before = len(search.records)

    answer = search.report(1, 0.6)

    assert answer.decision == search.say(c.Heartbeat(0, 1)).decision
    assert len(search.records) == before


def test_a_report_that_decided_is_compared_for_ever() -> None:
    search = Search(method=AsyncHalving(num_rungs=2, divisor=2.0, variant=HalvingVariant.STOPPING))
    search.say(c.GetSuggestion("a"))
    decided = search.report(500, 0.5)
    assert decided.decision.reason == "TOP_FRACTION"
    for step in range(501, 501 + REMEMBERED_REPORTS):
        search.report(step, 0.5)

    assert search.report(500, 0.5).decision == decided.decision
    refusal = search.refused(c.ReportMetric(0, 1, 500, (("loss", 0.6),)))
    assert refusal.reason == ErrorReason.METRIC_CONFLICT


# --- Checkpoints ----------------------------------------------------------------------------------


def test_an_answer_names_at_most_a_hundred_checkpoints() -> None:
    search = Search()
    search.say(c.GetSuggestion("a"))
    for step in range(1, 152):
        search.say(c.ReportCheckpoint(0, 1, step, f"c{step}"))

    named = [search.report(step, 0.5).deletable for step in (200, 201, 202)]

    assert [len(uris) for uris in named] == [100, 50, 0]
    assert "c151" not in named[0] + named[1]
