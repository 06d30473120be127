"""Long polls: calls whose answer is held until it changes, first come, first served."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from asha_server.search.command import Answer, GetSuggestion, ShouldStop, Wait
from asha_server.search.terms import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asha_server.hosted import Call
    from asha_server.search.command import Reply


class Waiting:
    """Calls held on one experiment.

    GetSuggestion waits for work, all in one queue; ShouldStop waits for a verdict on its trial.
    Whatever is taken out or dropped costs O(1).
    """

    __slots__ = ("_suggestions", "_verdicts")

    def __init__(self) -> None:
        self._suggestions: OrderedDict[Call, None] = OrderedDict()
        self._verdicts: dict[int, dict[Call, None]] = {}

    def hold(self, call: Call, reply: Reply) -> bool:
        """Keeps a call, if its reply is one that may change; whether it does."""
        match call.work, reply:
            case GetSuggestion(), Wait():
                self._suggestions[call] = None
                return True
            case ShouldStop(trial_number=number), Answer(decision=decision):
                if decision.verdict is Verdict.CONTINUE:
                    self._verdicts.setdefault(number, {})[call] = None
                    return True
        return False

    def drop(self, call: Call) -> bool:
        """Lets go of a call; whether it was held."""
        if call in self._suggestions:
            del self._suggestions[call]
            return True
        if isinstance(call.work, ShouldStop):
            number = call.work.trial_number
            held = self._verdicts.get(number, {})
            if call in held:
                del held[call]
                if not held:
                    del self._verdicts[number]
                return True
        return False

    @property
    def has_suggestions(self) -> bool:
        """Whether somebody waits for work."""
        return bool(self._suggestions)

    def take_suggestion(self) -> Call | None:
        """Takes out the call that has waited longest for work; None if there is none."""
        return self._suggestions.popitem(last=False)[0] if self._suggestions else None

    def put_back(self, calls: list[Call]) -> None:
        """Puts calls that were taken out back into their places.

        Args:
            calls: in the order they were taken out.
        """
        for call in reversed(calls):
            self._suggestions[call] = None
            self._suggestions.move_to_end(call, last=False)

    @property
    def has_verdicts(self) -> bool:
        """Whether any call waits for a verdict on a trial."""
        return bool(self._verdicts)

    def take_verdicts(self, trials: Iterable[int] | None) -> list[Call]:
        """Takes out the calls about some trials.

        Args:
            trials: which; None: all.
        """
        if not self._verdicts:
            return []
        numbers = list(self._verdicts) if trials is None else self._verdicts.keys() & set(trials)
        return [call for number in sorted(numbers) for call in self._verdicts.pop(number)]

    def take_all(self) -> list[Call]:
        """Takes out every call."""
        calls = [*self._suggestions, *self.take_verdicts(None)]
        self._suggestions.clear()
        return calls
