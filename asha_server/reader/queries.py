"""The reader's answers: pages of trials, observations, decisions, checkpoints and history.

Each function takes the read-only store and a question about an experiment that exists, and gives
the RPC's response. Requests were checked by the serving process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from asha_server.pb import experiment_service_pb2 as pb
from asha_server.pb import trial_pb2
from asha_server.search.event import MetricReported
from asha_server.search.state import FREEING
from asha_server.search.terms import TrialState
from asha_server.wire import control
from asha_server.wire.event import format_event
from asha_server.wire.page import page_token
from asha_server.wire.suggestion import format_decision
from asha_server.wire.times import timestamp
from asha_server.wire.trial import ShownTrial, format_attempt, format_trial
from asha_server.wire.values import format_metrics

if TYPE_CHECKING:
    from asha_server.reader.questions import Question
    from asha_server.search.event import Record
    from asha_server.store.reading import ReadOnlyStore, StoredExperiment, StoredTrial

SCANNED_MAX = 5_000
"""Rows that one call looks at when it filters: some 0.2 s. The page then ends early."""
ATTEMPTS_MAX = 1_000
HISTORY_PAGE = 500

Query = Callable[["ReadOnlyStore", "Question", "StoredExperiment"], Sequence[Any]]


class _Filling:
    """A page being filled: ends at its size, or at so many bytes (but for its first item)."""

    def __init__(self, size: int, question: Question) -> None:
        self.items: list[Any] = []
        self._size = size
        self._bytes_max = question.page_bytes_max
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        return len(self.items) >= self._size or self._bytes >= self._bytes_max

    def takes(self, item: Any) -> bool:
        """Adds an item; False where it has no room any more."""
        size = item.ByteSize() + 6
        if self.items and self._bytes + size > self._bytes_max:
            self._bytes = self._bytes_max
            return False
        self.items.append(item)
        self._bytes += size
        return True


def list_trials(
    store: ReadOnlyStore, question: Question, experiment: StoredExperiment
) -> list[pb.ListTrialsResponse]:
    """A page of trials, by number."""
    request = pb.ListTrialsRequest.FromString(question.request)
    states, page = control.parse_list_trials(request)
    filling = _Filling(page.size, question)
    first = number = page.after[0] + 1 if page.after else 0
    is_end = False
    while not (is_end or filling.is_full or number - first >= SCANNED_MAX):
        found = store.trials(question.key, experiment, number, page.size)
        is_end = len(found) < page.size
        for trial in found:
            is_wanted = not states or trial.row.state in states
            if filling.is_full or (
                is_wanted and not filling.takes(format_trial(_shown(experiment, trial)))
            ):
                is_end = False
                break
            number += 1
    token = "" if is_end else page_token("trials", number - 1)
    return [pb.ListTrialsResponse(trials=filling.items, next_page_token=token)]


def best_trials(
    store: ReadOnlyStore, question: Question, experiment: StoredExperiment
) -> list[pb.GetBestTrialsResponse]:
    """Trials by their numbers, in that order."""
    filling = _Filling(len(question.numbers), question)
    for number in question.numbers:
        trial = store.trial(question.key, experiment, number)
        if not filling.takes(format_trial(_shown(experiment, trial))):
            break
    return [pb.GetBestTrialsResponse(trials=filling.items)]


def get_trial(
    store: ReadOnlyStore, question: Question, experiment: StoredExperiment
) -> list[pb.GetTrialResponse]:
    """One trial and its latest attempts."""
    number = question.numbers[0]
    trial = store.trial(question.key, experiment, number)
    attempts = store.attempts(question.key, number, ATTEMPTS_MAX)
    return [
        pb.GetTrialResponse(
            trial=format_trial(_shown(experiment, trial)),
            attempts=map(format_attempt, attempts),
        )
    ]


def list_observations(
    store: ReadOnlyStore, question: Question, experiment: StoredExperiment
) -> list[pb.ListObservationsResponse]:
    """A page of recorded reports, by sequence."""
    del experiment
    request = pb.ListObservationsRequest.FromString(question.request)
    items, token = _reports(
        store, question, request, "observations", lambda r: _observation(r, request.metric_name)
    )
    return [pb.ListObservationsResponse(observations=items, next_page_token=token)]


def list_decisions(
    store: ReadOnlyStore, question: Question, experiment: StoredExperiment
) -> list[pb.ListDecisionsResponse]:
    """A page of decisions as they were made, by sequence."""
    metric = str(msgspec.json.decode(experiment.row.spec)["metric"]["name"])
    request = pb.ListDecisionsRequest.FromString(question.request)
    items, token = _reports(
        store, question, request, "decisions", lambda record: _decision_record(record, metric)
    )
    return [pb.ListDecisionsResponse(decisions=items, next_page_token=token)]


def _reports(
    store: ReadOnlyStore,
    question: Question,
    request: pb.ListObservationsRequest | pb.ListDecisionsRequest,
    kind: str,
    shown: Callable[[Record], Any],
) -> tuple[list[Any], str]:
    """A page of what is shown of reports, and the token of the next.

    Args:
        store: of them.
        question: whose experiment.
        request: which of them.
        kind: the list, for its page tokens.
        shown: report -> item; None leaves it out.
    """
    trial, page = control.parse_list_reports(request, kind)
    filling = _Filling(page.size, question)
    after = page.after[0] if page.after else 0
    most = page.size
    if getattr(request, "metric_name", ""):
        most = SCANNED_MAX  # few of them may carry it
    if trial is None:
        found = store.reports(question.key, after, most + 1)
    else:
        found = store.reports_of_trial(question.key, trial, after, most + 1)
    for record in found[:most]:
        if filling.is_full:
            break
        item = shown(record)
        if item is not None and not filling.takes(item):
            break
        after = record.sequence
    is_end = not found or after == found[-1].sequence
    return filling.items, "" if is_end else page_token(kind, after)


def _observation(record: Record, metric_name: str) -> trial_pb2.Observation | None:
    event = record.event
    assert isinstance(event, MetricReported)
    metrics = event.metrics
    if metric_name:
        metrics = tuple(metric for metric in metrics if metric[0] == metric_name)
        if not metrics:
            return None
    return trial_pb2.Observation(
        sequence=record.sequence,
        trial_number=event.trial_number,
        attempt=event.attempt,
        step=event.step,
        metrics=format_metrics(metrics),
        checkpoint_uri=event.checkpoint_uri,
        time=timestamp(record.time_us),
    )


def _decision_record(record: Record, metric: str) -> trial_pb2.DecisionRecord:
    event = record.event
    assert isinstance(event, MetricReported)
    return trial_pb2.DecisionRecord(
        trial_number=event.trial_number,
        attempt=event.attempt,
        step=event.step,
        value=dict(event.metrics).get(metric),
        decision=format_decision(event.decision),
    )


def list_checkpoints(
    store: ReadOnlyStore, question: Question, experiment: StoredExperiment
) -> list[pb.ListCheckpointsResponse]:
    """A page of reported checkpoints, by trial, then in the order of their reports."""
    request = pb.ListCheckpointsRequest.FromString(question.request)
    trial, page = control.parse_list_checkpoints(request)
    filling = _Filling(page.size, question)
    after = (page.after[0], page.after[1]) if page.after else (-1, 0)
    most = page.size if not request.filter else SCANNED_MAX
    found = store.checkpoints(question.key, trial, after, most + 1)
    trials: dict[int, StoredTrial] = {}
    kept = store.inherited_checkpoints(question.key) if found else set()
    if question.incumbent >= 0:
        kept.add(store.trial(question.key, experiment, question.incumbent).row.checkpoint_uri)
    for checkpoint in found[:most]:
        if filling.is_full:
            break
        number = checkpoint.trial
        if number not in trials:
            trials[number] = store.trial(question.key, experiment, number)
        is_deletable = checkpoint.uri not in kept and _is_deletable(
            trials[number], checkpoint.uri, question.incumbent
        )
        item = trial_pb2.CheckpointRecord(
            trial_number=number,
            attempt=checkpoint.attempt,
            step=checkpoint.step,
            uri=checkpoint.uri,
            deletable=is_deletable,
        )
        is_wanted = request.filter in (
            pb.CHECKPOINT_FILTER_UNSPECIFIED,
            pb.CHECKPOINT_FILTER_DELETABLE if is_deletable else pb.CHECKPOINT_FILTER_LIVE,
        )
        if is_wanted and not filling.takes(item):
            break
        after = (number, checkpoint.sequence)
    is_end = not found or after == (found[-1].trial, found[-1].sequence)
    token = "" if is_end else page_token("checkpoints", *after)
    return [pb.ListCheckpointsResponse(checkpoints=filling.items, next_page_token=token)]


def _is_deletable(trial: StoredTrial, uri: str, incumbent: int) -> bool:
    """Whether the search can never resume from it again.

    Source: search.md section 10: a superseded one, or any of a trial that will not go on; never
    the last one of a COMPLETED trial, nor any of the incumbent.
    """
    if trial.row.trial == incumbent:
        return False
    return uri != trial.row.checkpoint_uri or TrialState(trial.row.state) in FREEING


def history(
    store: ReadOnlyStore, question: Question, experiment: StoredExperiment
) -> list[pb.WatchExperimentResponse]:
    """The next events after a sequence, for a watcher that is behind."""
    spec = msgspec.json.decode(experiment.row.spec)
    lengths = [msgspec.json.decode(bracket.rung_lengths) for bracket in experiment.brackets]
    records = store.history(question.key, question.numbers[0], HISTORY_PAGE)
    return [
        pb.WatchExperimentResponse(event=format_event(record, spec["seed"], lengths))
        for record in records
    ]


def _shown(experiment: StoredExperiment, trial: StoredTrial) -> ShownTrial:
    spec = msgspec.json.decode(experiment.row.spec)
    lengths: list[int] = []
    if trial.row.bracket >= 0:
        lengths = msgspec.json.decode(experiment.brackets[trial.row.bracket].rung_lengths)
    return ShownTrial(
        experiment_id=experiment.row.id,
        seed=spec["seed"],
        trial=trial.row,
        configuration=trial.configuration,
        attempt=trial.attempt,
        best_length=lengths[trial.entry.rung] if trial.entry else None,
        best_value=trial.entry.value if trial.entry else None,
        rung_count=len(lengths),
    )


QUERIES: dict[str, Query] = {
    query.__name__: query
    for query in (
        list_trials,
        best_trials,
        get_trial,
        list_observations,
        list_decisions,
        list_checkpoints,
        history,
    )
}
