"""Specs go over the wire and come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from asha_server.errors import InvalidRequest
from asha_server.pb import experiment_pb2 as pb
from asha_server.search import spec as core
from asha_server.search.terms import Goal, HalvingVariant, RungRule
from asha_server.wire.spec import format_spec, parse_changes, parse_spec

from .specs import specs


@given(spec=specs())
@settings(max_examples=150)
def test_a_spec_comes_back_as_it_was(spec: core.ExperimentSpec) -> None:
    """Through bytes, and value by value: 1, 1.0 and true are three values."""
    message = pb.ExperimentSpec.FromString(format_spec(spec).SerializeToString())

    again = parse_spec(message)

    assert again == spec
    assert repr(again) == repr(spec)


@given(spec=specs())
@settings(max_examples=50)
def test_a_formatted_spec_leaves_no_field_out(spec: core.ExperimentSpec) -> None:
    """But for target, which has no default, and max_trials where the method fixes it."""
    message = format_spec(spec)

    absent = {
        field.name
        for field in message.DESCRIPTOR.fields
        if field.has_presence and not message.HasField(field.name)
        if field.containing_oneof is None or field.containing_oneof.name != "method"
    }
    assert absent <= {"target", "max_trials"}
    assert message.WhichOneof("method") is not None


def test_an_absent_field_has_its_default_and_zero_is_zero() -> None:
    absent = pb.ExperimentSpec(
        metric=pb.Metric(name="loss", goal=pb.GOAL_MINIMIZE),
        max_length=9,
        max_trials=9,
        adaptive_asha=pb.AdaptiveAsha(),
    )
    zero = pb.ExperimentSpec()
    zero.CopyFrom(absent)
    zero.max_concurrent_trials = zero.max_restarts = zero.worker_failure_limit = zero.seed = 0
    zero.adaptive_asha.guarantee_full_length = False

    default, explicit = parse_spec(absent), parse_spec(zero)

    assert default.metric == core.Metric("loss", Goal.MINIMIZE)
    assert (default.max_concurrent_trials, default.max_restarts) == (16, 5)
    assert (default.worker_failure_limit, default.seed, default.unit) == (3, None, "units")
    assert isinstance(default.method, core.AdaptiveAsha)
    assert (default.method.divisor, default.method.max_rungs) == (4.0, 5)
    assert default.variant is HalvingVariant.PROMOTION
    assert default.rung_rule is RungRule.TOP_K
    assert default.guarantee_full_length
    assert (explicit.max_concurrent_trials, explicit.max_restarts) == (0, 0)
    assert (explicit.worker_failure_limit, explicit.seed) == (0, 0)
    assert not explicit.guarantee_full_length


@pytest.mark.parametrize(
    ("paths", "changes"),
    [
        (["max_trials"], {"max_trials": 12}),
        (["target", "labels"], {"target": None, "labels": {"a": "b"}}),
        (["lease_ttl", "lease_ttl"], {"lease_ttl_us": 5_500_000}),
        (["metric.name"], {"metric": core.Metric("x", None)}),
        (["adaptive_asha.divisor"], {"method": None}),
        (["random_sampler"], {}),
    ],
)
def test_changes_are_those_of_the_named_fields(
    paths: list[str], changes: dict[str, object]
) -> None:
    message = pb.ExperimentSpec(max_trials=12, max_restarts=7, labels={"a": "b"},
                                lease_ttl={"seconds": 5, "nanos": 500_000_000},
                                metric=pb.Metric(name="x"))  # fmt: skip

    assert parse_changes(message, paths) == changes


@pytest.mark.parametrize(
    "path",
    ["", ".", "x", "labels.a", "labels.", ".labels", "max_trials.x", "lease_ttl.seconds",
     "parameters.name", "metric.x", "metric.name.x", "method", "adaptive_asha.bracket_rungs.x"],
)  # fmt: skip
def test_a_path_that_a_spec_does_not_have_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_changes(pb.ExperimentSpec(), ["max_trials", path])

    assert [violation.path for violation in refusal.value.violations] == ["update_mask.paths[1]"]
