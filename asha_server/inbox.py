"""Commands that wait to be decided: a lane for each account, served in turn.

Whoever sends ten thousand commands waits for ten thousand; whoever sends one waits for one of each
of the others. Within a lane the order is that of arrival, so what one client says keeps its order.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from asha_server.accounts import SERVER
from asha_server.refusals import overloaded

if TYPE_CHECKING:
    from asha_server.accounts import Account
    from asha_server.hosted import Call


class Inbox:
    """What waits, by account."""

    __slots__ = ("_lanes", "_length")

    def __init__(self) -> None:
        # Account -> its calls, first the one that is served next; none is empty.
        self._lanes: dict[Account, deque[Call]] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, call: Call, account: Account) -> None:
        """One more call."""
        lane = self._lanes.get(account)
        if lane is None:
            lane = self._lanes[account] = deque()
        lane.append(call)
        self._length += 1

    def make_room(self, account: Account, most: int) -> None:
        """Refuses whoever has most in line, if it is full: who asks, or another's latest call.

        Raises:
            ResourceExhausted: OVERLOADED.
        """
        if self._length < most:
            return
        refusal = overloaded(self._length, most)
        pushed_out = self.push_out(account)
        if pushed_out is None:
            raise refusal
        if not pushed_out.future.done():
            pushed_out.future.set_exception(refusal)

    def push_out(self, account: Account) -> Call | None:
        """Takes the latest call out of the longest lane, to make room for one of an account.

        Nothing of the server's own is pushed out. O(accounts that wait).

        Returns:
            The call; None where the account's own lane is as long as any: it makes no room.
        """
        others = (lane for payer, lane in self._lanes.items() if payer is not SERVER)
        longest: deque[Call] = max(others, key=len, default=deque())
        if len(longest) <= len(self._lanes.get(account, ())) + 1:
            return None
        self._length -= 1
        return longest.pop()

    def take(self, most: int) -> list[Call]:
        """Takes out up to so many calls, one of each lane in turn. O(their number)."""
        if len(self._lanes) == 1 and self._length <= most:
            (lane,) = self._lanes.values()
            self._lanes = {}
            self._length = 0
            return list(lane)
        taken: list[Call] = []
        while self._lanes and len(taken) < most:
            account = next(iter(self._lanes))
            lane = self._lanes.pop(account)
            taken.append(lane.popleft())
            if lane:
                self._lanes[account] = lane
        self._length -= len(taken)
        return taken

    def take_all(self) -> list[Call]:
        """Takes out every call."""
        return self.take(self._length)

    def waits_since_us(self, now_us: int) -> int:
        """A time before which nothing that waits came: now, where nothing does."""
        return min((lane[0].came_us for lane in self._lanes.values()), default=now_us)
