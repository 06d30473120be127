"""What the search of a Determined configuration does otherwise here, and why: search.md section 9.

Only what the file touches is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from asha_server.search.bracket import Divisor, mode_rungs
from asha_server.search.terms import BracketMode

HALVING = ("adaptive_asha", "async_halving")


def differences(
    searcher: Mapping[str, object], max_length: int | None, *, is_stopping: bool, has_nested: bool
) -> Iterator[str]:
    """A line for each difference that a file touches.

    Args:
        searcher: the section with its defaults, as plain values.
        max_length: units, None if the file does not say.
        is_stopping: whether it is the stopping variant.
        has_nested: whether a hyperparameter is nested.
    """
    name = searcher["name"]
    if name == "adaptive_asha":
        yield from _lost_rungs(searcher, max_length)
    if name in HALVING:
        yield "of equal values the earlier ranks better, so they stop; there they never stopped"
        yield (
            "a value that is NaN or infinite ranks last and is never promoted; there it failed the "
            "experiment"
        )
    if name == "adaptive_asha" and searcher["max_concurrent_trials"] and (
        len(_bracket_rungs(searcher, max_length)) > 1
    ):  # fmt: skip
        yield "slots that a bracket does not use go to another one; there they idled"
    if name in HALVING and is_stopping:
        yield (
            "a report after a trial's stop gets the same answer and counts once; there it was "
            "counted again and started another trial"
        )
        yield "a worker is told to stop in the answer to its report; there a script ran to its end"
    elif name in HALVING:
        yield "a trial that left by itself is never promoted; there it could be"
        yield (
            "whoever is among the best after an infeasible trial left is promoted; there it could "
            "be forgotten"
        )
        yield (
            "the best of a rung that nobody else will enter goes on (guarantee_full_length), so a "
            "trial trains in full; there a small search could end without one"
        )
    if name not in ("single", "grid"):
        yield "a trial that ends by itself makes room for the next; there it was not replaced"
    if has_nested:
        yield (
            "nested hyperparameters are drawn by their path, so one seed gives one result; there "
            "it depended on the order of a map"
        )


def _bracket_rungs(searcher: Mapping[str, object], max_length: int | None) -> tuple[int, ...]:
    """Rungs of every bracket."""
    given = searcher["bracket_rungs"]
    assert isinstance(given, list)
    if given:
        return tuple(given)
    most, limits = _limits(searcher, max_length)
    mode = BracketMode(str(searcher["mode"]).upper())
    return mode_rungs(mode, min(most, *(exact for _, _, exact, _ in limits)))


def _limits(
    searcher: Mapping[str, object], max_length: int | None
) -> tuple[int, list[tuple[str, int, int, int]]]:
    """What limits the rungs of a bracket.

    Returns:
        max_rungs, and for each number of the file: its name, it, the rungs that it
        allows exactly, and those that a logarithm of floats allows.
    """
    most, divisor, trials = (searcher[key] for key in ("max_rungs", "divisor", "max_trials"))
    assert isinstance(most, int)
    assert isinstance(divisor, int | float)
    assert isinstance(trials, int)
    limits = []
    for what, number in (("max_length", max_length), ("max_trials", trials)):
        if number is not None:
            exact = Divisor(divisor).rung_limit(number)
            floats = int(math.log(number) / math.log(divisor)) + 1
            limits.append((what, number, exact, floats))
    return most, limits


def _lost_rungs(searcher: Mapping[str, object], max_length: int | None) -> Iterator[str]:
    """Where a logarithm of floats loses a rung of the brackets."""
    if searcher["bracket_rungs"]:
        return
    most, limits = _limits(searcher, max_length)
    rungs = min(most, *(exact for _, _, exact, _ in limits))
    for what, number, exact, floats in limits:
        if floats < rungs:
            yield (
                f"{what} {number} is an exact power of the divisor and allows {exact} rungs; there "
                f"a logarithm of floats allowed {floats}"
            )
