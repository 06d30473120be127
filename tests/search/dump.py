"""Every fact of an experiment as plain values, so that two experiments can be compared whole."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from asha_server.search.state import State
from asha_server.search.trial import Trial
from asha_server.search.waiting_entries import WaitingEntries

Plain = object

# What is no fact of its own: caches, what is left to write, and what follows from the spec.
LEFT_OUT = frozenset(
    {
        "changes",
        "deletable",
        "divisor",
        "grid",
        "inherited",
        "sampler",
        "space",
        "spec_text",
        "stored_attempts",
        "unsettled",
    }
)
# Mappings whose order says nothing; in the others (the queues) it does.
UNORDERED = frozenset({"active", "assigned_by", "created_by", "holding", "overdue", "workers"})
# What nothing reads any more once the experiment has ended.
OF_THE_LIVING = frozenset({"given", "heading", "overdue", "retries", "waiting"})


def facts(state: State) -> Plain:
    """Trials, attempts, rungs, queues, counts, clocks: all that an experiment remembers.

    What was left to a store is recalled for it.

    A trial's state, its end's reason and time are those that hold: a close-out and the end of the
    experiment are written into the trials' rows later, in chunks, and change no fact by that.
    """
    for trial in state.trials:
        if trial.attempt is not None and trial.attempt.known is None:
            state.recall_reports(trial)
    left_out = LEFT_OUT | (OF_THE_LIVING if state.state.is_ended else frozenset())
    plain = _fields(vars(state), left_out)
    plain["trials"] = [
        _fields({name: getattr(trial, name) for name in _facts_of(trial)}, left_out)
        | {
            "own_state": str(state.state_of(trial)),
            "end_reason": str(state.end_reason_of(trial)),
            "ended_us": state.standing_of(trial)[2],
        }
        for trial in state.trials
    ]
    return plain


def _facts_of(trial: Trial) -> list[str]:
    """Names of all that a trial remembers, also of what it may have left to the store."""
    return [name.removeprefix("_") for name in type(trial).__slots__]


def _fields(fields: Mapping[str, object], left_out: frozenset[str]) -> dict[str, Plain]:
    plain: dict[str, Plain] = {}
    for name, value in fields.items():
        if name in left_out or name == "trials":
            continue
        if isinstance(value, dict) and name in UNORDERED:
            plain[name] = _plain(dict(sorted(value.items())), left_out)
        else:
            plain[name] = _plain(value, left_out)
    return plain


def _plain(  # noqa: PLR0911 - one a type
    value: object, left_out: frozenset[str]
) -> Plain:
    match value:
        case None | bool() | int() | str() | Fraction():
            return value
        case float():
            return repr(value)  # so that NaN equals NaN
        case msgspec.Struct():
            names = value.__struct_fields__
            return _fields({name: getattr(value, name) for name in names}, left_out)
        case WaitingEntries():
            return [_plain(held, left_out) for held in sorted(value)]
        case dict():
            return [(_plain(key, left_out), _plain(held, left_out)) for key, held in value.items()]
        case list() | tuple():
            return [_plain(held, left_out) for held in value]
    slots: tuple[str, ...] | None = getattr(type(value), "__slots__", None)
    if slots:
        return _fields({name: getattr(value, name) for name in slots}, left_out)
    assert type(value).__name__ == "SortedList" or type(value).__name__ == "SortedKeyList", value
    return [_plain(held, left_out) for held in value]  # type: ignore[attr-defined]  # untyped
