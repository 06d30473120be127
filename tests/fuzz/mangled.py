"""Bytes of a message, mangled: flipped, cut, doubled, spliced."""

from __future__ import annotations

from tests.server.random_requests import Chance

_TELLING = (0x00, 0x01, 0x0A, 0x7F, 0x80, 0xC3, 0xFF)
"""Bytes on which readers of protobuf's wire form and of UTF-8 trip."""


def mangled(chance: Chance, raw: bytes) -> bytes:
    """The bytes with one to four faults in them."""
    body = bytearray(raw)
    for _ in range(1 + chance.number(3)):
        _FAULTS[chance.number(len(_FAULTS) - 1)](chance, body)
    return bytes(body)


def _flip(chance: Chance, body: bytearray) -> None:
    if body:
        body[chance.number(len(body) - 1)] ^= 1 << chance.number(7)


def _overwrite(chance: Chance, body: bytearray) -> None:
    if body:
        body[chance.number(len(body) - 1)] = chance.of(_TELLING)


def _insert(chance: Chance, body: bytearray) -> None:
    body.insert(chance.number(len(body)), chance.of(_TELLING))


def _cut(chance: Chance, body: bytearray) -> None:
    del body[chance.number(len(body)) :]


def _remove(chance: Chance, body: bytearray) -> None:
    start = chance.number(len(body))
    del body[start : start + chance.number(8)]


def _double(chance: Chance, body: bytearray) -> None:
    start = chance.number(len(body))
    part = body[start : start + chance.number(200)]
    body[start:start] = part * (1 + chance.number(3))


_FAULTS = (_flip, _overwrite, _insert, _cut, _remove, _double)
