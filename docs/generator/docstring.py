"""The `Attributes:` section of a class's docstring, as a mapping."""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(r"^Attributes:\n((?:    .*\n?|\n)*)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def attributes(kind: type) -> dict[str, str]:
    """Attribute -> its description in one line, in the order of the docstring."""
    section = _SECTION.search(f"{inspect.getdoc(kind) or ''}\n")
    entries = _ENTRY.findall(section.group(1)) if section else []
    return {name: " ".join(text.split()).removesuffix(".") for name, text in entries}
