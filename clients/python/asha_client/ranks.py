"""Several ranks of one trial: rank 0 talks to the server, the others hear it by a broadcast.

The broadcast is the user's: a function that is called on every rank at the same time, with rank 0's
object on rank 0 and None elsewhere, and returns rank 0's object on every rank. What is broadcast
can be pickled and holds only values of this package.

    # torch.distributed
    def broadcast(value):
        box = [value]
        torch.distributed.broadcast_object_list(box, src=0)   # device=… with NCCL
        return box[0]

    # MPI
    broadcast = lambda value: MPI.COMM_WORLD.bcast(value, root=0)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from asha_client import errors
from asha_client.flow import Flow, Share

ResultT = TypeVar("ResultT")

Broadcast = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process's place among the ranks of a trial.

    Attributes:
        rank: 0 talks to the server, the others listen.
        broadcast: see the module.
    """

    rank: int
    broadcast: Broadcast | None

    @property
    def is_speaker(self) -> bool:
        """Whether this process talks to the server."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether there are no other ranks to tell."""
        return self.broadcast is None

    def __post_init__(self) -> None:
        if self.rank < 0:
            raise ValueError(f"rank is {self.rank}; ranks count from 0")
        if self.rank > 0 and self.broadcast is None:
            raise ValueError(
                f"rank {self.rank} needs broadcast=, a function that returns rank 0's object on "
                "every rank (torch.distributed.broadcast_object_list, MPI's comm.bcast)"
            )


def share(ranks: Ranks, flow: Callable[[], Flow[ResultT]]) -> Flow[ResultT]:
    """Runs the flow on rank 0 and gives its value, or its refusal, to every rank.

    A refusal must reach the others too: they would wait in the broadcast for ever.
    """
    if ranks.is_alone:
        return (yield from flow())
    if not ranks.is_speaker:
        outcome = yield Share(None)
        if isinstance(outcome, errors.AshaError):
            raise outcome
        (value,) = cast("tuple[ResultT]", outcome)
        return value
    try:
        result = yield from flow()
    except errors.AshaError as error:
        yield Share(error)
        raise
    yield Share((result,))
    return result
