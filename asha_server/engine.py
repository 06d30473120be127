"""The engine owns every experiment of a server: commands in, batches to the store, replies out.

Commands queue in its inbox. It takes what is there as one batch, decides each in order, hands the
rows to the writer's thread and replies once they are durable; what comes meanwhile is the next
batch. No locks: the engine is the order of things, and nothing observable leaves before the
commit, reads included. A failed commit stops the server.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from asha_server.accounts import SERVER, payer
from asha_server.call_stats import CallStats
from asha_server.clock import SECOND_US, Clock, SystemClock
from asha_server.decider import Decider
from asha_server.ended_attempts import EndedAttempts
from asha_server.garbage import (
    collect_when_idle,
    leave_full_passes_to_idle_times,
    nothing_collected,
)
from asha_server.hosted import (
    ArrivalStep,
    Batch,
    Call,
    Creation,
    Deletion,
    Hosted,
    Listing,
    Stage,
    Stats,
)
from asha_server.inbox import Inbox
from asha_server.lease_keeper import LeaseKeeper
from asha_server.leases import LeaseTable
from asha_server.refusals import shutting_down, store_failed, too_many_wait, worker_taken
from asha_server.roster import Roster
from asha_server.search.rows import rows_of
from asha_server.store import StoreFailed, Write

if TYPE_CHECKING:
    from asha_server.config import Limits
    from asha_server.errors import Unavailable
    from asha_server.hosted import Answered, Arrival, Then, Traces
    from asha_server.search.command import Command, GetSuggestion, ShouldStop
    from asha_server.search.event import Record
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.state import State
    from asha_server.store import Store, TokenRow

log = logging.getLogger(__name__)

BATCH_MAX = 500
"""Commands of one batch, some 20 ms: how long somebody waits behind others who sent thousands."""
TICK_US = SECOND_US
"""How often budgets are looked at, and the least stall that is noticed."""
FORGOTTEN_PER_BATCH = 500
"""Rows a table of a deleted experiment that go with one batch."""
_LATE_US = SECOND_US // 10
"""A turn that begins so late has something to read before anything expires."""
_READ_S = 0.05
"""Time for the event loop to read what came while the server stood still."""
_READS_MAX = 20
"""How often it reads on while more and more comes; by then other turns are due."""


class Engine:
    """All experiments of one store.

    Args:
        store: opened; the engine takes it over and closes it.
        limits: what it bears.
        clock: tells it the time; None: the machine's.

    Attributes:
        limits: as given.
        clock: by which leases, long polls and budgets run.
        leases: the terms of all live leases.
        stats: counters.
        calls: how many calls ended how, whoever carried them.
        traces: tells a tracing system; None: nobody is told.
    """

    def __init__(self, store: Store, limits: Limits, clock: Clock | None = None) -> None:
        self.limits = limits
        self.clock: Clock = clock or SystemClock()
        self.leases = LeaseTable()
        self.stats = Stats()
        self.calls = CallStats()
        self.traces: Traces | None = None
        self._store = store
        self._ended = EndedAttempts()
        self._roster = Roster(store, limits.experiments_max, self._ended)
        keeper = LeaseKeeper(self.leases, self.clock)
        self._decider = Decider(self._roster, keeper, self.stats, self._look_again)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="asha-writer")
        self._task: asyncio.Task[None] | None = None
        self._inbox = Inbox()
        self._wake = asyncio.Event()
        self._waiting_calls = 0
        # Why no call is taken any more; None while the engine runs.
        self._refusal: Unavailable | None = None
        self._batch = Batch([], 0)
        # What a write beside the batches ended with, which ends the engine too.
        self._failure: StoreFailed | None = None
        # Keys of deleted experiments of which rows are left.
        self._forgetting: list[int] = []
        # States of deleted experiments, freed bit by bit.
        self._ruins: list[State] = []
        # By the monotonic clock: when the last turn began, and when budgets were looked at.
        self._turned_us = 0
        self._budgets_checked_us = 0

    # -- life -------------------------------------------------------------------------------------

    def load(self) -> None:
        """Reads every experiment from the store and gives each live lease a fresh term."""
        self._store.acquire()
        self._forgetting = self._store.leftovers()
        with nothing_collected():
            self._roster.load()
        for hosted in self._roster.by_key.values():
            self._decider.take_up(hosted)
        for key, worker_id, identity in self._store.worker_owners():
            if key in self._roster.by_key:
                self._roster.by_key[key].owners[worker_id] = identity
        leave_full_passes_to_idle_times()

    def start(self) -> asyncio.Task[None]:
        """Begins to take commands; the task ends with `stop`, or with the failure that ended it."""
        self._task = asyncio.create_task(self._run(), name="asha-engine")
        return self._task

    async def drain(self) -> Unavailable:
        """Refuses new calls, answers what is in the inbox and ends every long poll.

        Returns:
            What new calls are refused with.
        """
        self._refusal = self._refusal or shutting_down()
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task])
        return self._refusal

    async def stop(self) -> None:
        """Drains and closes the store."""
        await self.drain()
        self._writer.shutdown()
        self._store.close()

    # -- what the service asks --------------------------------------------------------------------

    async def submit(self, experiment_id: str, command: Command, then: Then | None = None) -> Any:
        """Carries out a command of the core; the answer is durable.

        Args:
            experiment_id: of whom.
            command: what.
            then: what to answer, of the experiment as the command left it and the reply; None: the
                reply. A question of its own might find another experiment under the name.

        Raises:
            AshaError: refused, nothing changed.
        """
        return await self._put(Call(experiment_id, command, _future(), then=then))

    def begin(self, experiment_id: str, command: Command, answered: Answered) -> None:
        """Like `submit`, for a caller who is told by other means than a future.

        Raises:
            AshaError: refused, nothing changed; what is refused later goes to `answered`.
        """
        call = Call(experiment_id, command, answered)
        self._let_in(call)
        self._queue(call)

    async def read(self, experiment_id: str, question: Callable[[Hosted], Any]) -> Any:
        """Asks something of an experiment; only what is durable is seen.

        Raises:
            NotFound: EXPERIMENT_NOT_FOUND.
        """
        return await self._put(Call(experiment_id, question, _future()))

    async def wait_for(
        self, experiment_id: str, command: GetSuggestion | ShouldStop, max_wait_us: int
    ) -> Any:
        """Like `submit`, but holds a Wait or CONTINUE until it changes or the time is over.

        Raises:
            AshaError: refused, nothing changed; LIMIT_EXCEEDED, QUOTA_EXCEEDED: too many calls are
                held.
        """
        if max_wait_us <= 0:
            return await self.submit(experiment_id, command)
        if self._waiting_calls >= self.limits.waiting_calls_max:
            raise too_many_wait(self._waiting_calls, self.limits.waiting_calls_max)
        account = payer.get()
        account.begin_waiting()
        call = Call(experiment_id, command, _future(), may_wait=True)
        self._waiting_calls += 1
        timer = self.clock.call_later(max_wait_us, lambda: self._end_waiting(call))
        try:
            return await self._put(call)
        finally:
            self._waiting_calls -= 1
            account.end_waiting()
            timer.cancel()
            self._let_go(call)

    def _end_waiting(self, call: Call) -> None:
        """The time of a long poll is over: it is answered as things are."""
        call.may_wait = False
        self._ask_again(call)

    def _ask_again(self, call: Call) -> None:
        """Decides a held call anew. One that is not held is answered already, or about to be."""
        if self._let_go(call):
            self._inbox.put(call, SERVER)  # it was let in before
            call.came_us = self._turned_us
            self._wake.set()

    def _look_again(self, call: Call, delay_us: int) -> None:
        """A held call whose wait time itself ends is decided anew by then."""
        self.clock.call_later(delay_us, lambda: self._ask_again(call))

    def _let_go(self, call: Call) -> bool:
        hosted = self.hosted.get(call.experiment_id)
        return hosted is not None and hosted.waiting.drop(call)

    async def create(
        self, experiment_id: str, spec: ExperimentSpec, request_id: str = ""
    ) -> Hosted:
        """Creates an experiment; the same request id again gives the same one.

        Raises:
            InvalidRequest: with every violation.
            AlreadyExists: EXPERIMENT_EXISTS.
            FailedPrecondition: REQUEST_ID_REUSED.
            ResourceExhausted: LIMIT_EXCEEDED.
        """
        work = Creation(experiment_id, spec, request_id)
        hosted: Hosted = await self._put(Call("", work, _future()))
        return hosted

    async def delete(self, experiment_id: str, *, force: bool) -> None:
        """Deletes an experiment and, bit by bit, its rows.

        Raises:
            NotFound: EXPERIMENT_NOT_FOUND.
            FailedPrecondition: EXPERIMENT_RUNNING, without `force`.
        """
        await self._put(Call(experiment_id, Deletion(force), _future()))

    async def announce(self, experiment_id: str) -> Arrival:
        """Begins to take in an experiment of another server, which nobody sees yet.

        Raises:
            AlreadyExists: EXPERIMENT_EXISTS.
            ResourceExhausted: LIMIT_EXCEEDED.
        """
        step = ArrivalStep(Stage.ANNOUNCED, experiment_id)
        arrival: Arrival = await self._put(Call("", step, _future()))
        return arrival

    async def take_in(self, arrival: Arrival, records: list[Record]) -> None:
        """Takes in its next events; they are durable when it returns."""
        step = ArrivalStep(Stage.GOES_ON, arrival=arrival, records=records)
        await self._queue(Call("", step, _future()))

    async def complete(self, arrival: Arrival) -> Hosted:
        """All events came: from now on the experiment is there, a running one paused."""
        step = ArrivalStep(Stage.IS_WHOLE, arrival=arrival)
        hosted: Hosted = await self._queue(Call("", step, _future()))
        return hosted

    def give_up(self, arrival: Arrival) -> None:
        """It will not be whole: what came of it goes, at the latest when the server starts."""
        if self._refusal is None:
            given_up = self._queue(
                Call("", ArrivalStep(Stage.IS_GIVEN_UP, arrival=arrival), _future())
            )
            given_up.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def keep_token(self, token: TokenRow) -> None:
        """Makes an access token durable."""
        await self._keep(self._store.put_token, token)

    async def claim_worker(self, experiment_id: str, worker_id: str, identity: str) -> None:
        """A worker name belongs to the identity that first used it in an experiment.

        It is durable before anything that is asked under it: the writer keeps the order.

        Raises:
            PermissionDenied: SCOPE_MISSING, it is another one's.
        """
        hosted = self.hosted.get(experiment_id)
        if hosted is None:
            return  # which the call itself is told
        owner = hosted.owners.get(worker_id)
        if owner is None:
            hosted.owners[worker_id] = identity
            await self._keep(self._store.put_worker_owner, hosted.key, worker_id, identity)
        elif owner != identity:
            raise worker_taken(worker_id)

    async def _keep(self, act: Callable[..., None], *arguments: Any) -> None:
        """Writes something beside the batches; a failure ends the engine."""
        if self._refusal is not None:
            raise self._refusal
        try:
            await self._in_writer(act, *arguments)
        except StoreFailed as error:
            self._failure = error
            self._wake.set()
            raise store_failed() from error

    async def experiments(self) -> list[Hosted]:
        """Every experiment, in order of creation; only what is durable is seen."""
        found: list[Hosted] = await self._put(Call("", Listing(), _future()))
        return found

    def find(self, experiment_id: str) -> Hosted:
        """The experiment of that name, which may not be durable yet.

        Raises:
            NotFound: EXPERIMENT_NOT_FOUND.
        """
        return self._roster.find(experiment_id)

    @property
    def hosted(self) -> dict[str, Hosted]:
        """Experiment id -> Hosted; those of the batch at work are not durable yet."""
        return self._roster.by_id

    @property
    def inbox_depth(self) -> int:
        """Commands waiting to be decided."""
        return len(self._inbox)

    @property
    def waiting_calls(self) -> int:
        """Long polls held at the moment."""
        return self._waiting_calls

    async def _put(self, call: Call) -> Any:
        self._let_in(call)
        return await self._queue(call)

    def _let_in(self, call: Call) -> None:
        """Notes whose a call is; refuses it, or one of another who has more in line, if full."""
        call.account = payer.get()
        if self.traces is not None:
            call.span = self.traces.current()
        self._inbox.make_room(call.account, self.limits.inbox_max)

    def _queue(self, call: Call) -> Any:
        """Puts a call in line; its future, where it has one."""
        if self._refusal is not None:
            raise self._refusal
        call.came_us = self._turned_us
        self._inbox.put(call, call.account)
        self._wake.set()
        return call.future

    # -- one turn ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while self._refusal is None or self._inbox:
                await self._sleep()
                if self._failure is not None:
                    raise self._failure
                await self._turn()
        except BaseException:
            self._refusal = store_failed()
            raise
        finally:
            self._refuse_all()

    async def _sleep(self) -> None:
        """Until there is something to do; notices when the server itself stood still."""
        began_us = self.clock.monotonic_us()
        wait_us = 0
        if not (self._inbox or self._forgetting or self._ruins or self._decider.has_unsettled):
            due_us = self.leases.next_us()
            wait_us = TICK_US if due_us is None else min(max(due_us - began_us, 0), TICK_US)
            timer = self.clock.call_later(wait_us, self._wake.set)
            await self._wake.wait()
            timer.cancel()
            if not self._inbox:
                collect_when_idle()
        self._wake.clear()
        now_us = self.clock.monotonic_us()
        since_us = now_us - (self._turned_us or began_us)
        late_us = since_us - wait_us
        if late_us > TICK_US:
            self.stats.stalls += 1
            log.warning("stood_still", extra={"gap_ms": late_us // 1000})
            # All of the time since the last turn: who can tell when in its sleep it began?
            self.leases.stand_still(since_us)
        due_us = self.leases.next_us()
        if late_us > _LATE_US and (late_us > TICK_US or (due_us is not None and due_us <= now_us)):
            await self._read_what_came()
        self._turned_us = self.clock.monotonic_us()

    async def _read_what_came(self) -> None:
        """Lets the event loop take in what waits in its sockets, before anything expires."""
        for _ in range(_READS_MAX):
            depth = len(self._inbox)
            await asyncio.sleep(_READ_S)
            if len(self._inbox) == depth:
                return

    async def _turn(self) -> None:
        self._batch = batch = Batch(self._inbox.take(BATCH_MAX), self.clock.wall_us())
        for call in batch.calls:
            if not call.future.done():
                self._decider.decide(batch, call)
        # By the time of the turn's begin: what stood still since then is seen by the next one. What
        # was said before and still waits counts as well.
        self._decider.expire(batch, self._inbox.waits_since_us(self._turned_us))
        if self._turned_us - self._budgets_checked_us >= TICK_US:
            self._budgets_checked_us = self._turned_us
            self._decider.check_budgets(batch)
        self._decider.serve_waiting(batch)
        self._decider.settle(batch)
        self.stats.batches += 1
        self.stats.commands += len(batch.calls)
        if batch.touched or batch.deleted:
            with self.traces.batch(batch.calls) if self.traces is not None else nullcontext():
                await self._commit(batch)
        # Everything that was decided is durable now: watchers and callers may see it.
        for hosted in batch.touched.values():
            if hosted.records:
                hosted.feed.publish(hosted.records)
                hosted.records = []
        batch.deliver()
        self._forgetting += batch.deleted
        self._ruins += batch.ruins
        self._ended.forget()
        await self._forget()

    async def _commit(self, batch: Batch) -> None:
        writes = []
        for hosted in batch.touched.values():
            state = hosted.experiment.state
            self._ended.note(state)
            rows = rows_of(state, state.take_changes())
            writes.append(
                Write(hosted.key, rows, hosted.records, hosted.is_arriving, hosted.created_by)
            )
        started = time.perf_counter_ns()
        await self._in_writer(self._store.append, writes, batch.deleted)
        took_ns = time.perf_counter_ns() - started
        self.stats.commits += 1
        self.stats.commit_took.note(took_ns / 1e9)
        self.stats.events += sum(len(write.records) for write in writes)

    async def _in_writer(self, act: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, act, *arguments)

    async def _forget(self) -> None:
        """A few rows of a deleted experiment, and a little of its memory, between batches."""
        if self._ruins and not self._ruins[0].crumble(FORGOTTEN_PER_BATCH):
            self._ruins.pop(0)
        if not self._forgetting:
            return
        is_left = await self._in_writer(
            self._store.forget, self._forgetting[0], FORGOTTEN_PER_BATCH
        )
        if not is_left:
            self._forgetting.pop(0)

    def _refuse_all(self) -> None:
        """Ends every call that is held or queued; the same call again goes to the next server."""
        assert self._refusal is not None
        held = [call for h in self._roster.by_key.values() for call in h.waiting.take_all()]
        self._batch.refuse(self._refusal)
        Batch([*self._inbox.take_all(), *held], 0).refuse(self._refusal)
        for hosted in self._roster.by_key.values():
            hosted.feed.close(self._refusal)


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()
