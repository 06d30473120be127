"""The closed sets of the core are the enums of the wire."""

from __future__ import annotations

import pytest

from asha_server.pb import (
    admin_service_pb2,
    error_pb2,
    event_pb2,
    experiment_pb2,
    suggestion_service_pb2,
    trial_pb2,
)
from asha_server.wire import enums
from asha_server.wire.fields import Fields

MAPS = {name: found for name, found in vars(enums).items() if isinstance(found, enums.EnumMap)}

NOT_OF_THE_CORE = {
    # Of the connection, not of the search: tokens, and a bug, which has no error of its own.
    "ERROR_REASON": {
        "TOKEN_MISSING", "TOKEN_INVALID", "SCOPE_MISSING", "TOKEN_NOT_FOUND", "TOKEN_EXISTS",
        "INTERNAL",
    },
}  # fmt: skip
"""Members of the wire that no member of the core stands for."""


@pytest.mark.parametrize("name", MAPS)
def test_every_member_is_on_the_wire_and_the_other_way_round(name: str) -> None:
    found = MAPS[name]
    modules = (
        admin_service_pb2, error_pb2, event_pb2, experiment_pb2, suggestion_service_pb2, trial_pb2,
    )  # fmt: skip
    (wire,) = [
        descriptor
        for module in modules
        for descriptor in module.DESCRIPTOR.enum_types_by_name.values()
        if descriptor.values[0].name == f"{name}_UNSPECIFIED"
    ]
    ours = {f"{name}_{member}" for member in found.number}

    assert {value.name for value in wire.values} == ours | {f"{name}_UNSPECIFIED"} | {
        f"{name}_{member}" for member in NOT_OF_THE_CORE.get(name, set())
    }
    for member, number in found.number.items():
        assert wire.values_by_number[number].name == f"{name}_{member}"
        assert found.member[number] is member


@pytest.mark.parametrize("name", MAPS)
def test_a_number_that_is_none_is_refused_with_all_that_are(name: str) -> None:
    fields = Fields()

    assert MAPS[name].parse(fields, "field", 0) is None
    assert not fields.violations
    assert MAPS[name].parse(fields, "field", 999) is None
    assert MAPS[name].required(fields, "field", 0) is None
    assert [violation.path for violation in fields.violations] == ["field", "field"]
    for violation in fields.violations:
        assert all(f"{name}_{member}" in violation.message for member in MAPS[name].number)
