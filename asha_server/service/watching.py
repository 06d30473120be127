"""WatchExperiment: committed events in order, from memory where it can, else from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asha_server.errors import ErrorReason, OutOfRange, ResourceExhausted
from asha_server.pb import experiment_pb2
from asha_server.pb import experiment_service_pb2 as pb
from asha_server.reader.questions import Question
from asha_server.wire.event import format_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asha_server.engine import Engine
    from asha_server.hosted import Hosted
    from asha_server.reader.process import Reader

_ENDED = (experiment_pb2.EXPERIMENT_STATE_COMPLETED, experiment_pb2.EXPERIMENT_STATE_FAILED)


class Watching:
    """All open watches.

    Args:
        engine: whose experiments.
        reader: reads what is not in memory any more.
    """

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self._engine = engine
        self._reader = reader
        self.open_count = 0

    async def watch(
        self, experiment_id: str, after_sequence: int | None
    ) -> AsyncGenerator[pb.WatchExperimentResponse, None]:
        """Events after a sequence, until the end of the experiment.

        Args:
            experiment_id: which experiment.
            after_sequence: 0 = all; None = from now.

        Raises:
            NotFound: EXPERIMENT_NOT_FOUND, there is none, or it was deleted meanwhile.
            OutOfRange: WATCH_LAGGED, there is no such sequence yet.
            ResourceExhausted: LIMIT_EXCEEDED, too many watches are open.
            Unavailable: SHUTTING_DOWN.
        """
        if self.open_count >= self._engine.limits.watches_max:
            raise ResourceExhausted(
                ErrorReason.LIMIT_EXCEEDED,
                f"{self.open_count} watches are open, the most; close some",
                watches_max=self._engine.limits.watches_max,
            )
        self.open_count += 1
        watched: Hosted | None = None
        try:
            watched, last, is_ended = await self._engine.read(experiment_id, _begin)
            assert watched is not None
            after = last if after_sequence is None else after_sequence
            if after > last:
                raise OutOfRange(
                    ErrorReason.WATCH_LAGGED,
                    f"the last event of {experiment_id!r} is {last}, so there is nothing after "
                    f"{after} to go on from; watch from 0 or from now",
                    last_sequence=last,
                )
            end = last if is_ended else None
            while end is None or after < end:
                for response in await self._next(watched, after):
                    yield response
                    after = response.event.sequence
                    if response.event.experiment_state_changed.state in _ENDED:
                        end = max(end or 0, after)
        finally:
            self.open_count -= 1
            if watched is not None:
                watched.feed.watchers -= 1

    async def _next(self, hosted: Hosted, after: int) -> list[pb.WatchExperimentResponse]:
        """The next few events; none where something just happened that is to be looked at again."""
        feed = hosted.feed
        records = feed.after(after)
        if records is None:
            messages = await self._reader.ask(Question("history", hosted.key, numbers=[after]))
            if messages:
                return list(map(pb.WatchExperimentResponse.FromString, messages))
            records = feed.after(after)
            if records is None and not feed.is_empty:
                return []
        if not records:
            await feed.wait()
            return []
        state = hosted.experiment.state
        lengths = [[rung.length for rung in bracket.rungs] for bracket in state.brackets]
        assert state.spec.seed is not None
        return [
            pb.WatchExperimentResponse(event=format_event(record, state.spec.seed, lengths))
            for record in records
        ]


def _begin(hosted: Hosted) -> tuple[Hosted, int, bool]:
    """Counts the watcher in, in the engine's turn, so that no event is missed from here on."""
    hosted.feed.watchers += 1
    state = hosted.experiment.state
    return hosted, state.sequence, state.state.is_ended
