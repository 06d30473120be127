"""Random specs that the search accepts: every method, every kind of parameter, every field."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from asha_server.search import spec as core
from asha_server.search.parameter import (
    Categorical,
    Condition,
    Constant,
    DoubleRange,
    Group,
    IntRange,
    ParameterSpec,
)
from asha_server.search.terms import BracketMode, Goal, HalvingVariant, RungRule
from asha_server.search.value import JsonValue, Value, value_key

INT64_MAX = 2**63 - 1

_TIED = ("parent", "child")
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_\-/]{0,20}", fullmatch=True).filter(
    lambda name: name not in _TIED
)
naturals = st.integers(0, INT64_MAX)
positives = st.integers(1, INT64_MAX)
finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
values: st.SearchStrategy[Value] = st.one_of(
    finite,
    st.integers(-(2**63), INT64_MAX),
    texts,
    st.booleans(),
    st.sampled_from(("null", "[]", "{}", '[1,2.5,"ü"]', '{"a":null,"b":[{}]}')).map(JsonValue),
)
durations_us = st.integers(0, core.DURATION_MAX_US)


@st.composite
def double_ranges(draw: st.DrawFn) -> DoubleRange:
    low, high = draw(st.tuples(finite, finite).map(sorted).filter(lambda pair: pair[0] < pair[1]))
    is_log = low > 0 and draw(st.booleans())
    return DoubleRange(min=low, max=high, log=is_log, count=draw(st.integers(1, 9)))


@st.composite
def int_ranges(draw: st.DrawFn) -> IntRange:
    low, high = sorted((draw(st.integers(-99, 99)), draw(st.integers(-99, 99))))
    is_log = low > 0 and draw(st.booleans())
    step = None if is_log else draw(st.none() | st.integers(1, 9))
    return IntRange(min=low, max=high, log=is_log, step=step, count=draw(st.integers(1, 9)))


categoricals = st.lists(values, min_size=1, max_size=4, unique_by=value_key).map(
    lambda found: Categorical(tuple(found))
)
leaves = st.one_of(double_ranges(), int_ranges(), categoricals, values.map(Constant))


@st.composite
def spaces(draw: st.DrawFn, depth: int = 0) -> tuple[ParameterSpec, ...]:
    """Parameters with groups in groups; at the top some depend on a categorical."""
    parameters = []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        kind: Any = draw(leaves)
        if depth < 2 and draw(st.integers(0, 3)) == 0:
            kind = Group(draw(spaces(depth + 1)))
        parameters.append(ParameterSpec(name, kind))
    if depth == 0:
        parent = draw(categoricals)
        wanted = draw(st.lists(st.sampled_from(parent.values), min_size=1, unique_by=value_key))
        parameters.append(ParameterSpec(_TIED[0], parent))
        condition = Condition(_TIED[0], tuple(wanted))
        parameters.append(ParameterSpec(_TIED[1], draw(leaves), condition))
    return tuple(parameters)


@st.composite
def methods(draw: st.DrawFn) -> core.Method:
    variant = draw(st.sampled_from(HalvingVariant))
    is_stopping = variant is HalvingVariant.STOPPING
    halving: dict[str, Any] = {
        "divisor": draw(st.floats(1, 100, exclude_min=True)),
        "variant": variant,
        "rung_rule": draw(st.sampled_from(RungRule)) if is_stopping else RungRule.TOP_K,
        "guarantee_full_length": draw(st.booleans()),
    }
    bracket_rungs = tuple(draw(st.lists(st.integers(1, 9), max_size=4)))
    rungs = draw(st.integers(1, 9))
    mode = draw(st.sampled_from(BracketMode))
    planned: dict[str, Any] = {
        "divisor": halving["divisor"],
        "total_length": draw(st.integers(1, 10**12)),
        "train_stragglers": draw(st.booleans()),
    }
    found: tuple[core.Method, ...] = (
        core.AdaptiveAsha(
            mode=draw(st.sampled_from(BracketMode)),
            max_rungs=rungs,
            bracket_rungs=bracket_rungs,
            **halving,
        ),
        core.AsyncHalving(num_rungs=rungs, **halving),
        core.SingleTrial(),
        core.RandomSearch(),
        core.GridSearch(),
        core.SyncHalving(num_rungs=rungs, **planned),
        core.Adaptive(mode=mode, max_rungs=rungs, bracket_rungs=bracket_rungs, **planned),
        core.AdaptiveSimple(mode=mode, max_rungs=rungs, divisor=halving["divisor"]),
        core.Hyperband(divisor=halving["divisor"]),
        core.Pbt(
            population_size=draw(st.integers(1, 10_000)),
            num_rounds=draw(st.integers(1, 1_000)),
            length_per_round=draw(st.integers(1, 10**12)),
            truncate_fraction=draw(st.floats(0, 0.5)),
            resample_probability=draw(st.floats(0, 1)),
            perturb_factor=draw(st.floats(0, 1)),
        ),
    )
    return draw(st.sampled_from(found))


@st.composite
def specs(draw: st.DrawFn) -> core.ExperimentSpec:
    """A valid spec as it is stored: with its seed and every default filled in."""
    method = draw(methods())
    spec = core.ExperimentSpec(
        display_name=draw(texts),
        labels=dict(sorted(draw(st.dictionaries(names, texts, max_size=4)).items())),
        metric=core.Metric(draw(names), draw(st.sampled_from(Goal))),
        parameters=draw(spaces()),
        method=method,
        max_length=draw(positives) if method.takes_max_length else None,
        unit=draw(texts.filter(bool).filter(lambda text: len(text.encode()) <= 128)),
        max_trials=draw(positives) if method.takes_max_trials else None,
        max_concurrent_trials=draw(naturals),
        seed=draw(naturals),
        lease_ttl_us=draw(st.integers(core.LEASE_TTL_MIN_US, core.LEASE_TTL_MAX_US)),
        max_restarts=draw(naturals),
        max_infeasible=draw(naturals),
        target=draw(st.none() | finite),
        max_wall_time_us=draw(durations_us),
        max_total_length=draw(naturals),
        progress_timeout_us=draw(durations_us),
        worker_failure_limit=draw(naturals),
    )
    return msgspec.structs.replace(spec, max_length=method.full_length(spec))
