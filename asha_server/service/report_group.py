"""The reports of one message of a session: carried out one by one, answered together.

Many reports come in one message, and a future and a task for each would cost as much as the
decision. A slot is all that the engine needs of a future.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from asha_server.accounts import Account
    from asha_server.search.command import Answer


class ReportGroup:
    """Several reports whose answers are told together.

    Args:
        number: of the message.
        size: how many, at least 1.
        tell: called with the group as soon as all are answered; not after `give_up`.

    Attributes:
        number: as given.
        slots: list[Slot], one a report, in order.
        charged: who is to be told that the message is answered; None: nobody.
        span: of the message, which is to be ended; None where nothing is traced.
    """

    __slots__ = ("_left", "_tell", "charged", "is_given_up", "number", "slots", "span")

    def __init__(self, number: int, size: int, tell: Callable[[ReportGroup], None]) -> None:
        self.number = number
        self.slots = [Slot(self) for _ in range(size)]
        self.charged: Account | None = None
        self.span: Any = None
        self.is_given_up = False
        self._left = size
        self._tell = tell

    def note_answer(self) -> None:
        """One more is answered."""
        self._left -= 1
        if not (self._left or self.is_given_up):
            self._tell(self)

    def give_up(self) -> None:
        """Nobody waits for the answers any more: what is not decided yet is not wanted."""
        self.is_given_up = True
        self.end()

    def end(self) -> None:
        """It is a call in flight no longer; idempotent."""
        if self.charged is not None:
            self.charged.end_call()
            self.charged = None
        if self.span is not None:
            self.span.end()
            self.span = None


class Slot:
    """Where the answer to one report goes.

    Attributes:
        answer: it, or the error that is one; None before.
        trial: (experiment, number) that the report is about.
        attempt: of the trial, once it is known.
    """

    __slots__ = ("_group", "answer", "attempt", "trial")

    def __init__(self, group: ReportGroup) -> None:
        self._group = group
        self.answer: Answer | Exception | None = None
        self.trial: tuple[str, int] = ("", 0)
        self.attempt = 0

    def done(self) -> bool:
        """Whether it is answered, or nobody wants it to be."""
        return self.answer is not None or self._group.is_given_up

    def set_result(self, answer: Answer) -> None:
        """It is answered."""
        self.answer = answer
        self._group.note_answer()

    def set_exception(self, error: Exception) -> None:
        """It is refused."""
        self.answer = error
        self._group.note_answer()
