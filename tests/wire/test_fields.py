"""Checks of single fields."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration

from asha_server.errors import InvalidRequest
from asha_server.wire.fields import Fields


def test_all_violations_are_refused_at_once() -> None:
    fields = Fields()
    fields.check()  # nothing is wrong yet
    fields.experiment_id("")
    fields.natural("step", -1)
    fields.token("")

    with pytest.raises(InvalidRequest) as refusal:
        fields.check()

    assert [violation.path for violation in refusal.value.violations] == [
        "experiment_id", "step", "lease_token",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "is_right"),
    [
        ("a", True), ("0", True), ("a" * 128, True), ("a_b-c.d/e", True),
        ("", False), ("a" * 129, False), ("-a", False), (".a", False), ("/a", False),
        ("a b", False), ("ä", False), ("a\n", False), ("a\0", False), ("٣", False),
    ],
)  # fmt: skip
def test_a_name_is_of_few_characters(name: str, is_right: bool) -> None:
    fields = Fields()
    fields.experiment_id(name)
    fields.name("metric", name)
    assert len(fields.violations) == (0 if is_right else 2)


@pytest.mark.parametrize(
    ("text", "is_right"),
    [(" ", True), ("~" * 128, True), ("a b!", True), ("", False), ("~" * 129, False),
     ("a\n", False), ("\x7f", False), ("ä", False)],
)  # fmt: skip
def test_an_identity_is_printable_ascii(text: str, is_right: bool) -> None:
    fields = Fields()
    fields.identity("worker_id", text, is_optional=False)
    assert len(fields.violations) == (0 if is_right else 1)


@pytest.mark.parametrize(
    ("seconds", "nanos", "length_us"),
    [
        (0, 0, 0), (0, 999, 0), (0, 1_000, 1), (1, 500_000_000, 1_500_000),
        (315_576_000_000, 0, 315_576_000_000_000_000),
        (-1, 0, None), (0, -1, None), (1, -1, None), (0, 10**9, None), (315_576_000_001, 0, None),
        (2**63 - 1, 0, None),
    ],
)  # fmt: skip
def test_a_duration_is_0_to_10000_years(seconds: int, nanos: int, length_us: int | None) -> None:
    fields = Fields()

    found = fields.duration_us("max_wait", Duration(seconds=seconds, nanos=nanos))

    assert (found, len(fields.violations)) == ((0, 1) if length_us is None else (length_us, 0))
