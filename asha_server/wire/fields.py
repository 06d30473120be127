"""Checks of a request's fields that collect every violation before anything is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from asha_server.errors import FieldViolation, InvalidRequest
from asha_server.search.spec import INT64_MAX, NAME, NAME_RULE
from asha_server.wire.times import DURATION_MAX_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.duration_pb2 import Duration

Parsed = TypeVar("Parsed")

SECOND_US = 1_000_000
_IDENTITY = re.compile(r"[\x20-\x7e]{1,128}", re.ASCII)
_IDENTITY_RULE = "must be 1 to 128 printable ASCII characters"


class Fields:
    """The violations found in one request so far.

    Attributes:
        violations: list[FieldViolation], in the order they were found.
    """

    __slots__ = ("violations",)

    def __init__(self) -> None:
        self.violations: list[FieldViolation] = []

    def refuse(self, path: str, message: str) -> None:
        """Notes that a field is wrong."""
        self.violations.append(FieldViolation(path, message))

    def check(self) -> None:
        """Ends the checks.

        Raises:
            InvalidRequest: with everything that was noted.
        """
        if self.violations:
            raise InvalidRequest(self.violations)

    def gather(self, parse: Callable[[], Parsed]) -> Parsed | None:
        """What another parser makes of a part of the request; None where it is refused."""
        try:
            return parse()
        except InvalidRequest as error:
            self.violations += error.violations
            return None

    # -- names and texts --------------------------------------------------------------------------

    def experiment_id(self, value: str, *, is_optional: bool = False) -> str:
        """The name of an experiment."""
        if not (value == "" and is_optional) and not NAME.fullmatch(value):
            self.refuse("experiment_id", f"must be {NAME_RULE}")
        return value

    def name(self, path: str, value: str) -> str:
        """The name of a metric or parameter."""
        if not NAME.fullmatch(value):
            self.refuse(path, f"must be {NAME_RULE}")
        return value

    def entry_name(self, path: str, index: int, value: str) -> None:
        """The name of an entry of a list, whose path is made only where it is wrong."""
        if not NAME.fullmatch(value):
            self.refuse(f"{path}[{index}].name", f"must be {NAME_RULE}")

    def identity(self, path: str, value: str, *, is_optional: bool = True) -> str:
        """A worker, incarnation or request id."""
        if not (value == "" and is_optional) and not _IDENTITY.fullmatch(value):
            self.refuse(path, _IDENTITY_RULE)
        return value

    def token(self, value: str) -> str:
        """A lease token: opaque, required."""
        if not value:
            self.refuse("lease_token", "is required: it came with the assignment, in lease.token")
        return value

    def text(self, path: str, value: str, bytes_max: int) -> str:
        """A text for people, or a URI."""
        size = len(value) if value.isascii() else len(value.encode())
        if size > bytes_max:
            self.refuse(path, f"has {size} bytes; at most {bytes_max} are allowed")
        return value

    # -- numbers ----------------------------------------------------------------------------------

    def natural(self, path: str, value: int) -> int:
        """A whole number from 0: a step or a trial's number."""
        if value < 0:
            self.refuse(path, "must be 0 or more")
        return value

    def duration_us(self, path: str, value: Duration) -> int:
        """A duration >= 0. Microseconds."""
        seconds, nanos = value.seconds, value.nanos
        if seconds < 0 or nanos < 0:
            self.refuse(path, "must be 0 or more")
            return 0
        if seconds > DURATION_MAX_S or nanos > 999_999_999:
            self.refuse(path, "must be a valid duration of at most 10000 years")
            return 0
        return min(seconds * SECOND_US + nanos // 1000, INT64_MAX)
