"""`ExperimentSpec` both ways: what a person asks for, with every violation at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from asha_server.errors import InvalidRequest
from asha_server.pb import experiment_pb2 as pb
from asha_server.search import spec as core
from asha_server.wire import enums
from asha_server.wire.fields import Fields
from asha_server.wire.space import format_parameter_specs, parse_parameter_specs
from asha_server.wire.times import duration

if TYPE_CHECKING:
    from asha_server.errors import FieldViolation

_METHODS: dict[str, type[core.Method]] = {
    str(method.__struct_config__.tag): method for method in get_args(core.Method)
}
_METHOD_ENUMS: dict[str, enums.EnumMap[Any]] = {
    "mode": enums.BRACKET_MODE,
    "variant": enums.HALVING_VARIANT,
    "rung_rule": enums.RUNG_RULE,
}
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
    """The arm that is set; a method's fields have the names of its message's."""
    arm = message.WhichOneof("method")
    if arm is None:
        return None
    asked, given = getattr(message, arm), {}
    for field in asked.DESCRIPTOR.fields:
        value = getattr(asked, field.name)
        if field.name in _METHOD_ENUMS:
            path = f"spec.{arm}.{field.name}"
            value = _METHOD_ENUMS[field.name].parse(fields, path, value)
            if value is not None:
                given[field.name] = value
        elif field.is_repeated:
            given[field.name] = tuple(value)
        elif asked.HasField(field.name):
            given[field.name] = value
    return _METHODS[arm](**given)


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


def _format_method(message: pb.ExperimentSpec, method: core.MethodSpec | None) -> None:
    """Sets the arm; a method's fields have the names of its message's."""
    assert method is not None, "a valid spec has a method"
    arm = getattr(message, method.arm)
    arm.SetInParent()
    for name in method.__struct_fields__:
        value = getattr(method, name)
        if name in _METHOD_ENUMS:
            setattr(arm, name, _METHOD_ENUMS[name].of(value))
        elif isinstance(value, tuple):
            getattr(arm, name).extend(value)
        elif value is not None:
            setattr(arm, name, value)
