"""The synchronous form of an asynchronous method, and the other way round: the same rungs.

Both compare trials at the same lengths, with the same divisor and as many trials at the lowest
rungs; they differ in when a rung lets its best go on, and in nothing else that could be helped.
What comes out is a spec that a person could have written: `asha simulate --beside` compares them.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import msgspec

from asha_server.errors import FieldViolation, InvalidRequest
from asha_server.search.spec import (
    Adaptive,
    AdaptiveAsha,
    AsyncHalving,
    SyncHalving,
)
from asha_server.search.sync_method_spec import SynchronousSpec

if TYPE_CHECKING:
    from asha_server.search.spec import ExperimentSpec, Method


def synchronous_form(spec: ExperimentSpec) -> ExperimentSpec:
    """`sync_halving` for one bracket, `adaptive` for several; the brackets' rungs are the same.

    Synchronous methods are given units instead of trials: the fewest that pay for as many trials.
    With one bracket that is just as many; with several, whose trials `adaptive` sets by their
    length, a bracket may have a few more or less than here.

    Args:
        spec: a valid one.

    Raises:
        InvalidRequest: the method is no asynchronous halving.
    """
    method = spec.chosen
    if isinstance(method, SynchronousSpec):
        raise _refusal(f"{method.arm} is synchronous already; it has an asynchronous form")
    if not isinstance(method, AsyncHalving | AdaptiveAsha):
        raise _refusal(f"{method.arm} is no asynchronous halving, so it has no synchronous form")
    brackets = spec.geometry()
    rungs = tuple(len(bracket.rung_lengths) for bracket in brackets)
    trials = sum(bracket.max_trials for bracket in brackets)
    # So many units pay for more than `trials` trials to the full length, in every bracket.
    most = (trials + 1) * method.full_length(spec) * len(brackets)

    def form(total_length: int) -> ExperimentSpec:
        chosen: Method = (
            SyncHalving(num_rungs=rungs[0], divisor=method.divisor, total_length=total_length)
            if len(rungs) == 1
            else Adaptive(bracket_rungs=rungs, divisor=method.divisor, total_length=total_length)
        )
        return msgspec.structs.replace(spec, method=chosen, max_trials=None)

    total_length = 1 + bisect_left(range(1, most), trials, key=lambda n: form(n).trial_total())
    return form(total_length)


def asynchronous_form(spec: ExperimentSpec) -> ExperimentSpec:
    """`async_halving` for one bracket, `adaptive_asha` for several; rungs and trials the same.

    Args:
        spec: a valid one.

    Raises:
        InvalidRequest: the method is no synchronous halving.
    """
    method = spec.chosen
    if not isinstance(method, SynchronousSpec):
        raise _refusal(f"{method.arm} is no synchronous halving, so it has no asynchronous form")
    brackets = spec.geometry()
    rungs = tuple(len(bracket.rung_lengths) for bracket in brackets)
    divisor = float(method.exact_divisor.fraction)
    chosen: Method = (
        AsyncHalving(num_rungs=rungs[0], divisor=divisor)
        if len(rungs) == 1
        else AdaptiveAsha(bracket_rungs=rungs, divisor=divisor)
    )
    trials = sum(bracket.max_trials for bracket in brackets)
    return msgspec.structs.replace(spec, method=chosen, max_trials=trials)


def _refusal(message: str) -> InvalidRequest:
    return InvalidRequest([FieldViolation("spec.method", message)])
