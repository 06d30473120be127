"""Template words: `{lr}` in a command line, with defaults and doubled braces."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

_PIECE = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}:]*)(?::(?P<default>[^{}]*))?\}|[{}]")


class TemplateError(Exception):
    """A template that cannot be filled in; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word to be filled in.

    Attributes:
        name: what stands between the braces, before the colon.
        default: what stands after the colon; None without one.
    """

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A text with words: `--lr={lr}`, `{optimizer.momentum:0.9}`, `{{literal}}`.

    Attributes:
        pieces: literal text and words, in order.
    """

    pieces: tuple[str | Word, ...]

    @property
    def words(self) -> tuple[Word, ...]:
        """The words, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Word))

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with every word replaced by its value; an empty value gives the default.

        Args:
            values: texts by word.
        """
        return "".join(
            piece if isinstance(piece, str) else values.get(piece.name) or piece.default or ""
            for piece in self.pieces
        )


def parse_template(text: str) -> Template:
    """The template of a text.

    Raises:
        TemplateError: a brace stands alone.
    """
    pieces: list[str | Word] = []
    end = 0
    for match in _PIECE.finditer(text):
        pieces.append(text[end : match.start()])
        end = match.end()
        piece = match.group()
        if piece in {"{{", "}}"}:
            pieces.append(piece[0])
        elif piece in {"{", "}"}:
            raise TemplateError(
                f"a {piece} stands alone in {text!r}; write {piece}{piece} for a literal one"
            )
        else:
            pieces.append(Word(match["name"].strip(), match["default"]))
    pieces.append(text[end:])
    return Template(tuple(piece for piece in pieces if piece != ""))


def check_words(
    templates: Iterable[Template], always: Collection[str], sometimes: Collection[str]
) -> None:
    """Refuses templates with words that no trial, or not every trial, has a value for.

    Args:
        templates: everything that is filled in for each trial.
        always: words that every trial has.
        sometimes: names of conditional parameters, absent from some configurations.

    Raises:
        TemplateError: naming every word that is wrong.
    """
    words = [word for template in templates for word in template.words]
    unknown = sorted({word.name for word in words} - set(always) - set(sometimes))
    if unknown:
        named = ", ".join(f"{{{name}}}" for name in unknown)
        raise TemplateError(
            f"unknown template word{'s' * (len(unknown) > 1)} {named}; there are "
            f"{', '.join(sorted({*always, *sometimes}))}. A literal brace is written twice: {{{{"
        )
    bare = sorted({word.name for word in words if word.name in sometimes and word.default is None})
    if bare:
        raise TemplateError(
            f"{', '.join(bare)} is conditional, so some trials have no value for it; give one "
            f"for them: {{{bare[0]}:VALUE}}"
        )
