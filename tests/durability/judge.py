"""Holds what a server answered against what its file says: nothing lost, twice, or invented.

`violations` is the whole judgement; each check says in its first line what must be true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asha_server.pb import trial_pb2 as t
from asha_server.search.event import (
    ExperimentStateChanged,
    MetricReported,
    RungClosed,
    TrialAssigned,
    TrialCreated,
    TrialStateChanged,
)
from asha_server.search.terms import AssignmentKind, TrialStateCause
from asha_server.verify import verify_file
from asha_server.wire import enums
from asha_server.wire.event import format_event
from asha_server.wire.suggestion import format_decision
from asha_server.wire.times import timestamp

from .file_history import History, read_file
from .journal import Exchange, Journal
from .redecided import differences
from .trainer import CONFLICTING

REFUSALS = frozenset(
    {
        "ABORTED/LEASE_LOST",
        "ALREADY_EXISTS/METRIC_CONFLICT",
        "FAILED_PRECONDITION/TRIAL_ENDED",
        "FAILED_PRECONDITION/EXPERIMENT_ENDED",
        "FAILED_PRECONDITION/EXPERIMENT_RUNNING",
        "NOT_FOUND/EXPERIMENT_NOT_FOUND",
        "NOT_FOUND/TRIAL_NOT_FOUND",
        "RESOURCE_EXHAUSTED/LIMIT_EXCEEDED",
    }
)
"""What the load may be refused with; a server that forgets or fails says other things."""
WORKERS_WORDS = {
    "CompleteTrial": {TrialStateCause.COMPLETED_BY_WORKER},
    "ReleaseTrial": {TrialStateCause.RELEASED},
    "FailTrial": {
        TrialStateCause.FAILED_RETRYABLE,
        TrialStateCause.FAILED_PERMANENT,
        TrialStateCause.INFEASIBLE,
        TrialStateCause.CHECKPOINT_UNREADABLE,
    },
}

BY_EVENT: dict[type, tuple[int, ...]] = {
    ExperimentStateChanged: (
        t.DECISION_REASON_EXPERIMENT_PAUSED,
        t.DECISION_REASON_EXPERIMENT_STOPPED,
    ),
    TrialStateChanged: (t.DECISION_REASON_CANCELLED,),
    RungClosed: (t.DECISION_REASON_NOT_PROMOTED,),
}  # fmt: skip
"""What is decided by something other than a report, and why it then says it was."""
CLOCKS_APART_US = 20_000
"""Terms run by the monotonic clock, events are dated by the wall's, which is slewed."""


def violations(journal: Journal, path: Path) -> list[str]:
    """Everything that is not as it was promised; empty if all is well."""
    verified = verify_file(path)
    found = [f"verify: {problem}" for problem in verified.problems]
    for experiment in verified.experiments:
        found += [f"verify {experiment.experiment_id}: {told}" for told in experiment.problems]
    histories = read_file(path)
    found += _unexpected_refusals(journal)
    found += _lost_experiments(journal, histories)
    for experiment_id, history in histories.items():
        checks = (
            _redecided, _lost_reports, _changed_decisions, _repeated_reports, _invented,
            _out_of_order, _lost_assignments, _request_ids, _lost_gifts, _lost_words,
            _lost_checkpoints, _lost_names, _counted_twice, _early_expiries, _watched,
        )  # fmt: skip
        for check in checks:
            for violation in check(journal, experiment_id, history):
                found.append(f"{experiment_id}: {check.__name__.strip('_')}: {violation}")
    return found


def _unexpected_refusals(journal: Journal) -> Iterator[str]:
    """A server that dies refuses nothing for it."""
    for exchange in journal.exchanges:
        if exchange.refusal and exchange.refusal not in REFUSALS:
            yield f"refused: {exchange}"


def _lost_experiments(journal: Journal, histories: dict[str, History]) -> Iterator[str]:
    """A created experiment is there until its deletion is answered, and then gone for ever."""
    deletions = {
        exchange.request.experiment_id: exchange
        for exchange in journal.exchanges
        if exchange.method == "DeleteExperiment"
    }
    for exchange in journal.answered("CreateExperiment"):
        experiment_id = exchange.request.experiment_id
        deletion = deletions.get(experiment_id)
        if deletion is None and experiment_id not in histories:
            yield f"experiment {experiment_id} is lost"
        if deletion is not None and deletion.answered and experiment_id in histories:
            yield f"experiment {experiment_id} was deleted and is there"


def _redecided(journal: Journal, experiment_id: str, history: History) -> list[str]:
    """The core decides the whole history again as it stands in the file."""
    return differences(history.records)


def _decided(exchange: Exchange) -> Any:
    """The recorded decision that an answer carries; None if it carries none."""
    response = exchange.response
    if response is None or "decision" not in response.DESCRIPTOR.fields_by_name:
        return None
    return response.decision if response.decision.sequence else None


def _lost_reports(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """Every report whose own decision was answered is there, with its values."""
    for exchange in journal.answered("ReportMetric", experiment_id):
        decision = _decided(exchange)
        if _is_contradiction(exchange) and exchange.response.decision.verdict == t.VERDICT_CONTINUE:
            yield f"a contradiction was taken: {exchange}"
        if decision is None or _is_contradiction(exchange):
            continue
        if decision.sequence > len(history.records):
            yield f"event {decision.sequence} is lost: {exchange}"
            continue
        event = history.at(decision.sequence).event
        request = exchange.request
        if not isinstance(event, MetricReported) or event.step != request.step:
            continue  # the verdict that stood before the report; `_changed_decisions` looks at it
        place = (event.trial_number, event.attempt, event.step)
        recorded = {
            (name, repr(value))
            for sequence in history.reports[place]
            for name, value in _metrics(history, sequence)
        }
        sent = {(metric.name, repr(metric.value)) for metric in request.metrics}
        if not sent <= recorded:
            yield f"{sent - recorded} is lost: {exchange}"


def _is_contradiction(exchange: Exchange) -> bool:
    """Another value for a recorded one: a conflict, or the verdict that ended the attempt."""
    return any(metric.value >= CONFLICTING for metric in exchange.request.metrics)


def _metrics(history: History, sequence: int) -> tuple[tuple[str, float], ...]:
    event = history.at(sequence).event
    assert isinstance(event, MetricReported)
    return event.metrics


def _changed_decisions(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """Every decision ever sent is the decision stored, with its explanation."""
    for exchange in journal.exchanges:
        decision = _decided(exchange)
        if decision is None or exchange.request.experiment_id != experiment_id:
            continue
        if decision.sequence > len(history.records):
            yield f"decision {decision.sequence} is lost: {exchange}"
            continue
        record = history.at(decision.sequence)
        event = record.event
        if not isinstance(event, MetricReported):
            if decision.reason not in BY_EVENT.get(type(event), ()):
                yield f"stored is {event}: {exchange}"
            elif decision.decide_time != timestamp(record.time_us):
                yield f"stored is {record}: {exchange}"
        elif event.trial_number != exchange.request.trial_number:
            yield f"decision {decision.sequence} is trial {event.trial_number}'s: {exchange}"
        elif (stored := format_decision(event.decision)) != decision:
            yield f"stored is {stored}: {exchange}"


def _repeated_reports(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """No value is recorded twice."""
    for place, sequences in history.reports.items():
        names = [name for sequence in sequences for name, _ in _metrics(history, sequence)]
        for name, times in Counter(names).items():
            if times > 1:
                yield f"{name} at (trial, attempt, step) {place} is recorded {times} times"


def _invented(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """Every recorded report was sent by somebody, and no contradiction of one is recorded."""
    sent = {
        (exchange.request.trial_number, exchange.request.step, metric.name, repr(metric.value))
        for exchange in journal.exchanges
        if exchange.method == "ReportMetric" and exchange.request.experiment_id == experiment_id
        for metric in exchange.request.metrics
    }
    for (trial, attempt, step), sequences in history.reports.items():
        for sequence in sequences:
            for name, value in _metrics(history, sequence):
                if value >= CONFLICTING:
                    yield f"event {sequence} contradicts what was recorded"
                if attempt and (trial, step, name, repr(value)) not in sent:
                    yield f"event {sequence}: nobody reported {name}={value!r}"


def _out_of_order(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """What was answered before another report was sent stands before it in the history."""
    reports = [
        (exchange, exchange.response.decision.sequence)
        for exchange in journal.answered("ReportMetric", experiment_id)
        if not (exchange.is_repeat or _is_contradiction(exchange)) and _decided(exchange)
    ]
    marks = [(exchange.answered, 1, sequence, exchange) for exchange, sequence in reports]
    marks += [(exchange.sent, 0, sequence, exchange) for exchange, sequence in reports]
    latest = 0
    floors: dict[int, int] = {}
    for _, is_answer, sequence, exchange in sorted(marks, key=lambda mark: mark[:2]):
        if is_answer:
            latest = max(latest, sequence)
        else:
            floors[id(exchange)] = latest
    for exchange, sequence in reports:
        event = history.at(sequence).event if sequence <= len(history.records) else None
        is_own = isinstance(event, MetricReported) and event.step == exchange.request.step
        if is_own and sequence <= floors[id(exchange)]:
            yield f"event {floors[id(exchange)]} was answered before this was sent: {exchange}"


def _assignments(journal: Journal, experiment_id: str) -> Iterator[tuple[Exchange, Any]]:
    for exchange in journal.answered("GetSuggestion", experiment_id):
        if exchange.response.HasField("assignment"):
            yield exchange, exchange.response.assignment


def _lost_assignments(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """Every assignment that was answered is there, as it was answered, under one token."""
    tokens: dict[tuple[int, int], str] = {}
    for exchange, given in _assignments(journal, experiment_id):
        place = (given.trial_number, given.lease.attempt)
        sequence = history.assigned.get(place)
        if sequence is None:
            yield f"lost: {exchange}"
            continue
        event = history.at(sequence).event
        assert isinstance(event, TrialAssigned)
        stored = (event.worker_id, event.start_step, event.checkpoint_uri, event.bracket)
        request = exchange.request
        if stored != (request.worker_id, given.start_step, given.checkpoint_uri, given.bracket):
            yield f"stored is {event}: {exchange}"
        if event.kind is not _kind(given):
            yield f"stored is {event.kind}: {exchange}"
        if tokens.setdefault(place, given.lease.token) != given.lease.token:
            yield f"another token than before: {exchange}"


def _kind(given: Any) -> AssignmentKind:
    return next(kind for kind in AssignmentKind if enums.ASSIGNMENT_KIND.of(kind) == given.kind)


def _request_ids(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """One request id, one attempt: at every answer, and in the file."""
    for request_id, sequences in history.by_request.items():
        if len(sequences) > 1:
            yield f"{request_id} was handed events {sequences}"
    for exchange, given in _assignments(journal, experiment_id):
        sequences = history.by_request.get(exchange.request.request_id, [])
        for sequence in sequences:
            event = history.at(sequence).event
            assert isinstance(event, TrialAssigned)
            if (event.trial_number, event.attempt) != (given.trial_number, given.lease.attempt):
                yield f"stored is {event}: {exchange}"


def _lost_gifts(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """Every configuration given is there once, under the number that was answered."""
    for request_id, sequences in history.gifts.items():
        if len(sequences) > 1:
            yield f"{request_id} created events {sequences}"
    for exchange in journal.answered("CreateTrial", experiment_id):
        sequences = history.gifts.get(exchange.request.request_id, [])
        numbers = [history.at(sequence).event for sequence in sequences]
        wanted = exchange.response.trial.trial_number
        if [n.trial_number for n in numbers if isinstance(n, TrialCreated)] != [wanted]:
            yield f"stored is {numbers}: {exchange}"


def _lost_words(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """An end that a worker reported and that was its attempt's is there once."""
    for method, causes in WORKERS_WORDS.items():
        for exchange in journal.answered(method, experiment_id):
            if exchange.response.decision.sequence and exchange.response.decision.verdict > 1:
                continue  # it had been answered STOP or PAUSE: the call changed nothing
            number = exchange.request.trial_number
            attempt = int(exchange.request.lease_token.partition(".")[0])
            events = [history.at(s).event for s in history.changes.get((number, attempt), [])]
            told = [e for e in events if isinstance(e, TrialStateChanged) and e.cause in causes]
            if len(told) != 1 and not _was_ended_otherwise(history, number, attempt):
                yield f"told {len(told)} times: {exchange}"
            if len(told) > 1:
                yield f"told {len(told)} times: {exchange}"


def _was_ended_otherwise(history: History, number: int, attempt: int) -> bool:
    """A person's pause, cancel or stop came before the worker's word."""
    events = [history.at(s).event for s in history.changes.get((number, attempt), [])]
    cancelled = any(
        isinstance(e, TrialStateChanged) and e.cause is TrialStateCause.CANCELLED for e in events
    )
    paused = any(isinstance(record.event, ExperimentStateChanged) for record in history.records)
    return cancelled or paused


def _lost_checkpoints(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """A checkpoint reported under a live lease, further than any before, is there."""
    with_reports = {
        (e.trial_number, e.attempt, e.step, e.checkpoint_uri)
        for e in (record.event for record in history.records)
        if isinstance(e, MetricReported)
    }
    for exchange in journal.answered("ReportCheckpoint", experiment_id):
        request = exchange.request
        attempt = int(request.lease_token.partition(".")[0])
        told = (request.trial_number, attempt, request.step, request.checkpoint_uri)
        is_live = exchange.response.decision.verdict == 1
        if is_live and told not in history.checkpoints and told not in with_reports:
            yield f"lost: {exchange}"


def _lost_names(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """Every new name that was answered was given, in the order of the answers."""
    names = [
        exchange.request.spec.display_name
        for exchange in journal.answered("UpdateExperiment", experiment_id)
    ]
    told = list(dict.fromkeys(name for name in names if name))
    given = list(dict.fromkeys(name for name in history.names if name))
    if [name for name in given if name in told] != told:
        yield f"told {told}, stored {given}"


def _counted_twice(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """A trial enters a rung once, and trials are numbered without gaps."""
    entered: Counter[tuple[int, int]] = Counter()
    numbers = []
    for record in history.records:
        event = record.event
        if isinstance(event, TrialCreated):
            numbers.append(event.trial_number)
        elif isinstance(event, MetricReported):
            rungs = range(event.first_rung, event.first_rung + event.entered_count)
            entered.update((event.trial_number, rung) for rung in rungs)
        elif isinstance(event, TrialStateChanged) and event.entered_rung >= 0:
            entered[event.trial_number, event.entered_rung] += 1
    for place, times in entered.items():
        if times > 1:
            yield f"(trial, rung) {place} was entered {times} times"
    if numbers != [*range(len(numbers))]:
        yield f"trials are numbered {numbers}"


def _early_expiries(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """No lease expires within a term of its last renewal, nor of the start of the server."""
    ttl_us = history.state.spec.lease_ttl_us
    renewed: dict[tuple[int, int], int] = {}
    events = []
    for record in history.records:
        event = record.event
        if isinstance(event, TrialAssigned | MetricReported):
            renewed[event.trial_number, event.attempt] = record.time_us
        elif isinstance(event, TrialStateChanged) and event.cause is TrialStateCause.LEASE_EXPIRED:
            start_us = max((s for s in journal.starts_us if s <= record.time_us), default=0)
            attempt = (event.trial_number, event.attempt)
            term_us = record.time_us - max(start_us, renewed[attempt])
            if term_us < ttl_us - CLOCKS_APART_US:
                events.append(f"{attempt} expired {term_us / 1e6:.3f} s into its term")
    return iter(events)


def _watched(journal: Journal, experiment_id: str, history: History) -> Iterator[str]:
    """A watcher was sent the committed events, each once, in order, from the first on."""
    lengths = [[rung.length for rung in b.rungs] for b in history.state.brackets]
    seed = history.state.spec.seed
    assert seed is not None
    for expected, seen in enumerate(journal.watched.get(experiment_id, []), start=1):
        if seen.sequence != expected:
            yield f"event {seen.sequence} was sent in place of {expected}"
            return
        if expected > len(history.records):
            yield f"event {expected} was sent and is lost: {seen}"
            return
        stored = format_event(history.at(expected), seed, lengths)
        if repr(stored) != repr(seen):
            yield f"event {expected} was sent as {seen}, stored is {stored}"
