"""The colours of what things mean, on light paper and on dark.

Told apart with every kind of colour blindness, and in grey: the hues are those of Okabe and Ito,
and what matters differs in lightness too.

Source: Okabe, Ito 2008, "Color Universal Design".
"""

from __future__ import annotations

from typing import NamedTuple


class Paint(NamedTuple):
    """How something is painted.

    Attributes:
        light: colour on light paper, `#rrggbb`.
        dark: colour on dark paper, `#rrggbb`.
    """

    light: str
    dark: str


PALETTE: dict[str, Paint] = {
    "paper": Paint("#ffffff", "#0d1117"),
    "band": Paint("#f6f8fa", "#161b22"),
    "rule": Paint("#d0d7de", "#30363d"),
    "faint": Paint("#59636e", "#9198a1"),
    "ink": Paint("#1f2328", "#f0f6fc"),
    "training": Paint("#e69f00", "#e69f00"),
    "on-training": Paint("#1f2328", "#0d1117"),
    "waiting": Paint("#56b4e9", "#56b4e9"),
    "on-waiting": Paint("#1f2328", "#0d1117"),
    "completed": Paint("#005a8c", "#d7ecfa"),
    "on-completed": Paint("#ffffff", "#0d1117"),
    "stopped": Paint("#d8dee4", "#373e47"),
    "on-stopped": Paint("#57606a", "#9198a1"),
    "lost": Paint("#cc79a7", "#cc79a7"),
    "trail-training": Paint("#f7dfae", "#5e4710"),
    "trail-waiting": Paint("#cfe8f8", "#1f4a66"),
    "trail-completed": Paint("#9cc3da", "#56707f"),
    "trail-stopped": Paint("#eaeef2", "#22272e"),
    "idle": Paint("#f3b9a0", "#7a3413"),
    "clock": Paint("#1f2328", "#f0f6fc"),
}
"""Meaning -> its paint; a token's words are painted `on-` its meaning, its trail `trail-` it."""
