"""`ExperimentSpec` both ways: what a person asks for, with every violation at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from asha_server.errors import InvalidRequest, NotImplementedYet
from asha_server.pb import experiment_pb2 as pb
from asha_server.search import spec as core
from asha_server.search.terms import BracketMode, HalvingVariant, RungRule
from asha_server.wire import enums
from asha_server.wire.fields import Fields
from asha_server.wire.space import format_parameter_specs, parse_parameter_specs
from asha_server.wire.times import duration

if TYPE_CHECKING:
    from asha_server.errors import FieldViolation

_DURATIONS = ("progress_timeout", "lease_ttl", "max_wall_time")
_NUMBERS = (
    "worker_failure_limit",
    "max_length",
    "max_trials",
    "max_concurrent_trials",
    "seed",
    "max_restarts",
    "max_infeasible",
    "target",
    "max_total_length",
)


def parse_spec(message: pb.ExperimentSpec) -> core.ExperimentSpec:
    """The spec as asked for; absent fields have their defaults.

    Raises:
        InvalidRequest: with every violation, what the search refuses included.
        NotImplementedYet: a method that this server does not have yet.
    """
    fields = Fields()
    spec = _parse(fields, message)
    violations = _merged(fields.violations, core.validate(spec))
    if violations:
        raise InvalidRequest(violations)
    return spec


def _parse(fields: Fields, message: pb.ExperimentSpec) -> core.ExperimentSpec:
    given: dict[str, Any] = {
        name: getattr(message, name) for name in _NUMBERS if message.HasField(name)
    }
    for name in _DURATIONS:
        if message.HasField(name):
            given[f"{name}_us"] = fields.duration_us(f"spec.{name}", getattr(message, name))
    if message.unit:
        given["unit"] = message.unit
    return core.ExperimentSpec(
        display_name=message.display_name,
        labels=dict(sorted(message.labels.items())),  # a map comes in any order
        metric=core.Metric(
            message.metric.name,
            enums.GOAL.parse(fields, "spec.metric.goal", message.metric.goal),
        ),
        parameters=parse_parameter_specs(fields, "spec.parameters", message.parameters),
        method=_parse_method(fields, message),
        **given,
    )


def _merged(parsed: list[FieldViolation], found: list[FieldViolation]) -> list[FieldViolation]:
    """All violations; what stood in for a field that is wrong already is not judged again."""
    known = [violation.path for violation in parsed]
    return parsed + [
        violation
        for violation in found
        if not any(
            violation.path == path or violation.path.startswith(f"{path}.") for path in known
        )
    ]


def _parse_method(fields: Fields, message: pb.ExperimentSpec) -> core.Method | None:
    arm = message.WhichOneof("method")
    match arm:
        case None:
            return None
        case "adaptive_asha":
            return _parse_adaptive_asha(fields, message.adaptive_asha)
        case "async_halving":
            return _parse_async_halving(fields, message.async_halving)
        case "single":
            return core.SingleTrial()
        case "random_search":
            return core.RandomSearch()
        case "grid_search":
            return core.GridSearch()
    raise NotImplementedYet(
        f"method {arm} is part of the API but not of this server yet; adaptive_asha, "
        "async_halving, random_search, grid_search and single are",
        method=arm,
    )


def _parse_adaptive_asha(fields: Fields, message: pb.AdaptiveAsha) -> core.AdaptiveAsha:
    path = "spec.adaptive_asha"
    mode = enums.BRACKET_MODE.parse(fields, f"{path}.mode", message.mode)
    given = _parse_halving(fields, path, message)
    if message.HasField("max_rungs"):
        given["max_rungs"] = message.max_rungs
    return core.AdaptiveAsha(
        mode=mode or BracketMode.STANDARD, bracket_rungs=tuple(message.bracket_rungs), **given
    )


def _parse_async_halving(fields: Fields, message: pb.AsyncHalving) -> core.AsyncHalving:
    given = _parse_halving(fields, "spec.async_halving", message)
    if message.HasField("num_rungs"):
        given["num_rungs"] = message.num_rungs
    return core.AsyncHalving(**given)


def _parse_halving(
    fields: Fields, path: str, message: pb.AdaptiveAsha | pb.AsyncHalving
) -> dict[str, Any]:
    variant = enums.HALVING_VARIANT.parse(fields, f"{path}.variant", message.variant)
    rule = enums.RUNG_RULE.parse(fields, f"{path}.rung_rule", message.rung_rule)
    given: dict[str, Any] = {
        "variant": variant or HalvingVariant.PROMOTION,
        "rung_rule": rule or RungRule.TOP_K,
    }
    if message.HasField("divisor"):
        given["divisor"] = message.divisor
    if message.HasField("guarantee_full_length"):
        given["guarantee_full_length"] = message.guarantee_full_length
    return given


def parse_changes(spec: pb.ExperimentSpec, paths: list[str]) -> dict[str, Any]:
    """What an UpdateExperiment changes.

    Args:
        spec: the new values of the fields that `paths` name; an absent one gets its default.
        paths: of the update mask.

    Returns:
        Field of the core's spec -> new value.

    Raises:
        InvalidRequest: no path, one that the spec does not have, or a value that cannot be read.
    """
    fields = Fields()
    if not paths:
        fields.refuse("update_mask", "is required: name the fields of spec that change")
    for index, path in enumerate(paths):
        if not _is_path(path):
            fields.refuse(f"update_mask.paths[{index}]", f"spec has no field {path!r}")
    wanted = {path.partition(".")[0] for path in paths if _is_path(path)}
    only = pb.ExperimentSpec()
    only.CopyFrom(spec)
    for name in pb.ExperimentSpec.DESCRIPTOR.fields_by_name:
        if name not in wanted:
            only.ClearField(name)
    parsed = _parse(fields, only)
    fields.check()
    names = {_core_field(name) for name in wanted}
    return {name: getattr(parsed, name) for name in parsed.__struct_fields__ if name in names}


def _is_path(path: str) -> bool:
    """Whether an update mask may name this: a field of the spec, or of a message of ours in it.

    What lies inside a map, a list or a duration is none: those change as a whole.
    """
    *outer, last = path.split(".")
    message = pb.ExperimentSpec.DESCRIPTOR
    for name in outer:
        field = message.fields_by_name.get(name)
        if field is None or field.is_repeated or field.message_type is None:
            return False
        message = field.message_type
    return message.file.package == pb.DESCRIPTOR.package and last in message.fields_by_name


def _core_field(name: str) -> str:
    """The core's field for a field of the message."""
    if name in _DURATIONS:
        return f"{name}_us"
    oneof = pb.ExperimentSpec.DESCRIPTOR.fields_by_name[name].containing_oneof
    is_method = oneof is not None and oneof.name == "method"
    return "method" if is_method else name


def format_spec(spec: core.ExperimentSpec) -> pb.ExperimentSpec:
    """The spec, every default filled in."""
    plain: dict[str, Any] = {name: getattr(spec, name) for name in _NUMBERS}
    plain |= {name: duration(getattr(spec, f"{name}_us")) for name in _DURATIONS}
    message = pb.ExperimentSpec(
        display_name=spec.display_name,
        labels=spec.labels,
        metric=pb.Metric(name=spec.metric.name, goal=enums.GOAL.of(spec.metric.goal)),
        parameters=format_parameter_specs(spec.parameters),
        unit=spec.unit,
        random_sampler=pb.RandomSampler(),
        **plain,
    )
    _format_method(message, spec.method)
    return message


def _format_method(message: pb.ExperimentSpec, method: core.Method | None) -> None:
    match method:
        case core.AdaptiveAsha():
            message.adaptive_asha.CopyFrom(
                pb.AdaptiveAsha(
                    mode=enums.BRACKET_MODE.of(method.mode),
                    max_rungs=method.max_rungs,
                    bracket_rungs=method.bracket_rungs,
                    **_format_halving(method),
                )
            )
        case core.AsyncHalving():
            message.async_halving.CopyFrom(
                pb.AsyncHalving(num_rungs=method.num_rungs, **_format_halving(method))
            )
        case core.SingleTrial():
            message.single.SetInParent()
        case core.RandomSearch():
            message.random_search.SetInParent()
        case core.GridSearch():
            message.grid_search.SetInParent()
        case None:
            raise AssertionError("a valid spec has a method")
        case _:
            assert_never(method)


def _format_halving(method: core.AdaptiveAsha | core.AsyncHalving) -> dict[str, Any]:
    return {
        "divisor": method.divisor,
        "variant": enums.HALVING_VARIANT.of(method.variant),
        "rung_rule": enums.RUNG_RULE.of(method.rung_rule),
        "guarantee_full_length": method.guarantee_full_length,
    }
