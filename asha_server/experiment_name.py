"""Names for experiments whose creator gave none: adjective-noun-4 hex digits."""

from __future__ import annotations

import secrets
from collections.abc import Container

_ADJECTIVES = """
amber ample bold brave brisk bright calm clear clever cosy crisp eager early fair fine fleet
fresh gentle glad golden grand green happy humble jolly keen kind light lively lucky mellow
merry mild neat noble proud quick quiet rapid ready royal serene sharp silent silver smart
smooth snowy solid steady still sunny sure swift tidy true vivid warm wise young zesty
""".split()  # noqa: SIM905 - words read better as words
_NOUNS = """
acorn anchor badger beacon birch bridge brook canyon cedar cloud comet copper crane creek
delta dune eagle ember falcon fern field finch forest garden glacier grove harbor hawk heron
hill island ivy juniper lagoon lake lantern larch lark maple meadow mesa moon oak ocean olive
orchid otter pebble pine planet pond raven reef ridge river robin sail shore sparrow spruce
star stone summit thistle tide tulip valley violet willow wind
""".split()  # noqa: SIM905 - words read better as words


def generate_name(taken: Container[str]) -> str:
    """A name that is not taken."""
    while True:
        words = f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}"
        name = f"{words}-{secrets.token_hex(2)}"
        if name not in taken:
            return name
