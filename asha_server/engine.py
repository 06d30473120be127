"""The engine owns every experiment of a server: commands in, batches to the store, replies out.

Commands queue in its inbox. It takes what is there as one batch, decides each in order, hands the
rows to the writer's thread and replies once they are durable; what comes meanwhile is the next
batch. No locks: the engine is the order of things, and nothing observable leaves before the
commit, reads included. A failed commit stops the server.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from asha_server.errors import (
    AlreadyExists,
    AshaError,
    ErrorReason,
    FailedPrecondition,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from asha_server.experiment_name import generate_name
from asha_server.hosted import Batch, Call, Creation, Deletion, Hosted, Listing
from asha_server.leases import LeaseTable
from asha_server.search.command import (
    Answer,
    Assignment,
    CheckBudget,
    Command,
    ExpireLease,
    GetSuggestion,
    Heartbeat,
    ReportCheckpoint,
    ReportMetric,
    ShouldStop,
    Wait,
)
from asha_server.search.event import ExperimentCreated, ExperimentStateChanged
from asha_server.search.experiment import Experiment
from asha_server.search.rows import load, rows_of
from asha_server.search.terms import (
    ExperimentState,
    TrialStateCause,
    Verdict,
    WaitReason,
)
from asha_server.store import Write

if TYPE_CHECKING:
    from asha_server.config import Limits
    from asha_server.search.command import Reply
    from asha_server.search.spec import ExperimentSpec
    from asha_server.search.trial import Attempt
    from asha_server.store import Store

log = logging.getLogger(__name__)

SECOND_US = 1_000_000
TICK_US = SECOND_US
"""How often budgets are looked at, and the least stall that is noticed."""
SETTLED_PER_BATCH = 500
"""Rows of trials ended in bulk that are written with one batch: some 10 ms of its time."""
FORGOTTEN_PER_BATCH = 500
"""Rows a table of a deleted experiment that go with one batch."""


class Stats:
    """Counters since the start; plain integers, read by GetServerInfo and `asha status`."""

    __slots__ = ("batches", "commands", "commit_us", "commits", "events", "expiries", "stalls")

    def __init__(self) -> None:
        self.commands = 0
        self.batches = 0
        self.commits = 0
        self.commit_us = 0
        self.events = 0
        self.expiries = 0
        self.stalls = 0


class Engine:
    """All experiments of one store.

    Args:
        store: opened; the engine takes it over and closes it.
        limits: what it bears.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self.limits = limits
        self.leases = LeaseTable()
        self.stats = Stats()
        self.hosted: dict[str, Hosted] = {}
        self._by_key: dict[int, Hosted] = {}
        self._created_by: dict[str, str] = {}
        self._store = store
        self._inbox: list[Call] = []
        self._wake = asyncio.Event()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="asha-writer")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._last_us = 0
        self._next_key = 1
        self._forgetting: list[int] = []
        self._unsettled: dict[int, Hosted] = {}
        self._budgets_checked_us = 0
        self._waiting_calls = 0

    # -- life -------------------------------------------------------------------------------------

    def load(self) -> None:
        """Reads every experiment from the store and gives each live lease a fresh term."""
        self._store.acquire()
        self._next_key = self._store.next_key()
        self._forgetting = self._store.leftovers()
        now_us = monotonic_us()
        for key, rows in self._store.load():
            hosted = Hosted(key, Experiment(load(rows)))
            self._host(hosted)
            state = hosted.experiment.state
            if state.unsettled:
                self._unsettled[key] = hosted
            for number in state.active:
                attempt = state.trials[number].attempt
                assert attempt is not None
                self.leases.grant(
                    key, number, attempt.number, state.spec.lease_ttl_us,
                    state.spec.progress_timeout_us, now_us,
                )  # fmt: skip
        # What is loaded lives as long as the server: no full collection walks it again.
        gc.collect()
        gc.freeze()

    def start(self) -> asyncio.Task[None]:
        """Begins to take commands; the task ends with `stop`, or with the failure that ended it."""
        self._task = asyncio.create_task(self._run(), name="asha-engine")
        return self._task

    async def drain(self) -> None:
        """Refuses new calls, answers what is in the inbox and ends every long poll."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Drains and closes the store."""
        await self.drain()
        self._writer.shutdown()
        self._store.close()

    def _host(self, hosted: Hosted) -> None:
        state = hosted.experiment.state
        self.hosted[state.experiment_id] = hosted
        self._by_key[hosted.key] = hosted
        if state.create_request_id:
            self._created_by[state.create_request_id] = state.experiment_id

    # -- what the service asks --------------------------------------------------------------------

    async def submit(self, experiment_id: str, command: Command) -> Any:
        """Carries out a command of the core; the answer is durable.

        Raises:
            AshaError: refused, nothing changed.
        """
        return await self._put(Call(experiment_id, command, _future()))

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
            ResourceExhausted: LIMIT_EXCEEDED, too many calls are held.
        """
        if max_wait_us <= 0:
            return await self.submit(experiment_id, command)
        if self._waiting_calls >= self.limits.waiting_calls_max:
            raise ResourceExhausted(
                ErrorReason.OVERLOADED,
                f"{self._waiting_calls} calls wait already; ask with max_wait = 0",
                retry_after_us=SECOND_US,
            )
        call = Call(experiment_id, command, _future(), monotonic_us() + max_wait_us)
        self._waiting_calls += 1
        timer = asyncio.get_running_loop().call_later(
            max_wait_us / SECOND_US, self._end_waiting, call
        )
        try:
            return await self._put(call)
        finally:
            self._waiting_calls -= 1
            timer.cancel()

    def _end_waiting(self, call: Call) -> None:
        """The time of a long poll is over: it is answered as things are."""
        call.deadline_us = 0
        if not call.future.done():
            self._inbox.append(call)
            self._wake.set()

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

    async def experiments(self) -> list[Hosted]:
        """Every experiment, in order of creation; only what is durable is seen."""
        found: list[Hosted] = await self._put(Call("", Listing(), _future()))
        return found

    @property
    def inbox_depth(self) -> int:
        """Commands waiting to be decided."""
        return len(self._inbox)

    @property
    def waiting_calls(self) -> int:
        """Long polls held at the moment."""
        return self._waiting_calls

    async def _put(self, call: Call) -> Any:
        if self._stopping:
            raise Unavailable(
                ErrorReason.SHUTTING_DOWN, "the server is shutting down; the same call again soon"
            )
        if len(self._inbox) >= self.limits.inbox_max:
            raise ResourceExhausted(
                ErrorReason.OVERLOADED,
                f"{len(self._inbox)} commands wait already; the same call again in a moment",
                retry_after_us=SECOND_US // 2,
            )
        self._inbox.append(call)
        self._wake.set()
        return await call.future

    # -- one turn ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while not (self._stopping and not self._inbox):
                await self._sleep()
                await self._turn()
            self._refuse_all(ErrorReason.SHUTTING_DOWN, "the server is shutting down")
        except BaseException:
            self._stopping = True
            self._refuse_all(ErrorReason.STORE_FAILED, "the server's store failed; it stops")
            raise

    async def _sleep(self) -> None:
        """Until there is something to do; notices when the server itself stood still."""
        now_us = monotonic_us()
        due_us = self.leases.next_us()
        wait_us = TICK_US if due_us is None else min(max(due_us - now_us, 0), TICK_US)
        if not (self._inbox or self._forgetting or self._unsettled):
            try:
                async with asyncio.timeout(wait_us / SECOND_US):
                    await self._wake.wait()
            except TimeoutError:
                pass
        self._wake.clear()
        late_us = monotonic_us() - (self._last_us or now_us) - wait_us
        if self._last_us and late_us > TICK_US:
            self.stats.stalls += 1
            log.warning("stood_still", extra={"gap_ms": late_us // 1000})
            self.leases.stand_still(late_us)
            # What came meanwhile is read before anything expires.
            await asyncio.sleep(0.05)
        self._last_us = monotonic_us()

    async def _turn(self) -> None:
        calls, self._inbox = self._inbox, []
        batch = Batch()
        now_us = _wall_us()
        for call in calls:
            if not call.future.done():
                self._decide(batch, call, now_us)
        self._expire(batch, now_us)
        self._check_budgets(batch, now_us)
        self._serve_waiting(batch, now_us)
        self._settle(batch)
        self.stats.batches += 1
        self.stats.commands += len(calls)
        if batch.touched or batch.deleted:
            await self._commit(batch)
        self._deliver(batch)
        await self._forget()

    async def _commit(self, batch: Batch) -> None:
        writes = []
        for hosted in batch.touched.values():
            state = hosted.experiment.state
            writes.append(Write(hosted.key, rows_of(state, state.take_changes()), hosted.records))
        started = time.perf_counter_ns()
        await asyncio.get_running_loop().run_in_executor(
            self._writer, self._store.append, writes, batch.deleted
        )
        self.stats.commits += 1
        self.stats.commit_us += (time.perf_counter_ns() - started) // 1000
        self.stats.events += sum(len(write.records) for write in writes)

    def _deliver(self, batch: Batch) -> None:
        """Everything that was decided is durable now: watchers and callers may see it."""
        for hosted in batch.touched.values():
            if hosted.records:
                hosted.feed.publish(hosted.records)
                hosted.records = []
        for _, future, answer in batch.answers:
            if future.done():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _forget(self) -> None:
        """A few rows of a deleted experiment, between batches."""
        if not self._forgetting:
            return
        is_left = await asyncio.get_running_loop().run_in_executor(
            self._writer, self._store.forget, self._forgetting[0], FORGOTTEN_PER_BATCH
        )
        if not is_left:
            self._forgetting.pop(0)

    def _settle(self, batch: Batch) -> None:
        """Writes some rows of trials that one event ended in bulk."""
        for hosted in batch.touched.values():
            if hosted.experiment.state.unsettled:
                self._unsettled[hosted.key] = hosted
        for key, hosted in list(self._unsettled.items()):
            batch.touched[key] = hosted
            if not hosted.experiment.state.settle(SETTLED_PER_BATCH):
                del self._unsettled[key]

    # -- deciding ---------------------------------------------------------------------------------

    def _decide(self, batch: Batch, call: Call, now_us: int) -> None:
        hosted: Hosted | None = None
        try:
            match call.work:
                case Creation():
                    hosted = self._create(batch, call.work, now_us)
                    answer: Any = hosted
                case Listing():
                    answer = list(self.hosted.values())
                case Deletion():
                    hosted = self.find(call.experiment_id)
                    self._delete(batch, hosted, call.work)
                    answer = None
                case work if callable(work):
                    hosted = self.find(call.experiment_id)
                    answer = work(hosted)
                case command:
                    hosted = self.find(call.experiment_id)
                    answer = self._carry_out(batch, hosted, command, now_us)
                    if self._is_held(hosted, call, answer):
                        return
        except AshaError as error:
            answer = error
        except Exception as error:
            answer = error
            if hosted is not None:
                self._quarantine(batch, hosted)
        batch.answers.append((hosted, call.future, answer))

    def _carry_out(self, batch: Batch, hosted: Hosted, command: Command, now_us: int) -> Reply:
        """Decides one command, and keeps the lease that it is about."""
        state = hosted.experiment.state
        if isinstance(command, GetSuggestion) and hosted.suggestion_calls and hosted.records:
            self._serve_suggestions(batch, hosted, now_us)
        if isinstance(command, ReportMetric) and 0 <= command.trial_number < len(state.trials):
            attempt = state.trials[command.trial_number].attempt
            if attempt is not None and attempt.known is None:
                self._recall(hosted, attempt)
        return self._decide_command(batch, hosted, command, now_us)

    def _decide_command(self, batch: Batch, hosted: Hosted, command: Command, now_us: int) -> Reply:
        outcome = hosted.experiment.decide(command, now_us)
        if outcome.records:
            hosted.records.extend(outcome.records)
            batch.touched[hosted.key] = hosted
        self._keep_lease(hosted, command, outcome.reply)
        return outcome.reply

    def _keep_lease(self, hosted: Hosted, command: Command, reply: Reply) -> None:
        spec = hosted.experiment.state.spec
        ttl_us, progress_us = spec.lease_ttl_us, spec.progress_timeout_us
        match reply:
            case Assignment():
                if self.leases.holds(hosted.key, reply.trial_number, reply.attempt):
                    self.leases.renew(hosted.key, reply.trial_number, ttl_us, 0, monotonic_us())
                else:
                    self.leases.grant(
                        hosted.key, reply.trial_number, reply.attempt, ttl_us, progress_us,
                        monotonic_us(),
                    )  # fmt: skip
            case Answer() if isinstance(command, _RENEWING):
                number = command.trial_number
                if not reply.is_live:
                    self.leases.drop(hosted.key, number)
                elif self.leases.holds(hosted.key, number, command.attempt):
                    is_report = isinstance(command, ReportMetric)
                    self.leases.renew(
                        hosted.key, number, ttl_us, progress_us if is_report else 0,
                        monotonic_us(),
                    )  # fmt: skip
                else:  # it came back before its trial was handed on
                    self.leases.grant(
                        hosted.key, number, command.attempt, ttl_us, progress_us, monotonic_us()
                    )

    def _recall(self, hosted: Hosted, attempt: Attempt) -> None:
        """Reads an attempt's reports back, the first time it speaks since the server started."""
        trial = hosted.experiment.state.trials[attempt.trial_number]
        parts, has_more = self._store.recall(
            hosted.key, attempt.last_report, [entry.arrival for entry in trial.entries]
        )
        attempt.recall(parts, has_more)

    def _is_held(self, hosted: Hosted, call: Call, answer: Reply) -> bool:
        """Whether a long poll goes on waiting; it is noted down if so."""
        if call.deadline_us <= monotonic_us():
            return False
        match call.work, answer:
            case GetSuggestion(), Wait():
                while hosted.suggestion_calls and hosted.suggestion_calls[0].is_over:
                    hosted.suggestion_calls.popleft()
                hosted.suggestion_calls.append(call)
                return True
            case ShouldStop(trial_number=number), Answer(decision=decision):
                if decision.verdict is not Verdict.CONTINUE:
                    return False
                held = hosted.verdict_calls.get(number, [])
                hosted.verdict_calls[number] = [c for c in held if not c.is_over] + [call]
                return True
        return False

    def _serve_waiting(self, batch: Batch, now_us: int) -> None:
        """Wakes as many long polls as there is something for."""
        for hosted in list(batch.touched.values()):
            try:
                if hosted.suggestion_calls:
                    self._serve_suggestions(batch, hosted, now_us)
                if hosted.verdict_calls:
                    self._serve_verdicts(batch, hosted, now_us)
            except Exception:
                self._quarantine(batch, hosted)

    def _serve_suggestions(self, batch: Batch, hosted: Hosted, now_us: int) -> None:
        """First come, first served, until there is no more work."""
        passed_over: list[Call] = []
        while hosted.suggestion_calls:
            call = hosted.suggestion_calls.popleft()
            if call.is_over:
                continue
            assert isinstance(call.work, GetSuggestion)
            try:
                reply = self._decide_command(batch, hosted, call.work, now_us)
            except AshaError as error:
                batch.answers.append((hosted, call.future, error))
                continue
            if not isinstance(reply, Wait):
                batch.answers.append((hosted, call.future, reply))
                continue
            passed_over.append(call)
            if reply.reason is not WaitReason.WORKER_FAILING:
                break
        hosted.suggestion_calls.extendleft(reversed(passed_over))

    def _serve_verdicts(self, batch: Batch, hosted: Hosted, now_us: int) -> None:
        changed = hosted.experiment.state.changes.trials
        is_bulk = any(isinstance(r.event, ExperimentStateChanged) for r in hosted.records)
        numbers = hosted.verdict_calls if is_bulk else changed & hosted.verdict_calls.keys()
        for number in list(numbers):
            held = hosted.verdict_calls.pop(number)
            for call in held:
                if not call.is_over:
                    self._decide(batch, call, now_us)

    def _expire(self, batch: Batch, now_us: int) -> None:
        """Queues the trials of overdue leases again, after everything that was said in time."""
        for overdue in self.leases.overdue(monotonic_us()):
            hosted = self._by_key.get(overdue.experiment)
            if hosted is None:
                continue
            state = hosted.experiment.state
            if not state.is_live(state.trials[overdue.trial_number], overdue.attempt):
                continue
            self.stats.expiries += 1
            cause = TrialStateCause.LEASE_EXPIRED
            if overdue.is_stuck:
                cause = TrialStateCause.PROGRESS_TIMEOUT
            command = ExpireLease(overdue.trial_number, overdue.attempt, cause)
            self._decide(batch, Call(state.experiment_id, command, _unheard()), now_us)

    def _check_budgets(self, batch: Batch, now_us: int) -> None:
        if now_us - self._budgets_checked_us < TICK_US:
            return
        self._budgets_checked_us = now_us
        for hosted in list(self._by_key.values()):
            state = hosted.experiment.state
            budget_us = state.spec.max_wall_time_us
            is_running = state.state is ExperimentState.RUNNING
            if is_running and budget_us and state.running_us(now_us) >= budget_us:
                self._decide(batch, Call(state.experiment_id, CheckBudget(), _unheard()), now_us)

    def _quarantine(self, batch: Batch, hosted: Hosted) -> None:
        """A bug met in one experiment: what this batch did to it is dropped and it is reloaded."""
        experiment_id = hosted.experiment.state.experiment_id
        log.error("experiment_quarantined", extra={"experiment_id": experiment_id}, exc_info=True)  # noqa: LOG014 - called by handlers
        batch.touched.pop(hosted.key, None)
        again = Unavailable(ErrorReason.STORE_FAILED, "the experiment is reloaded; the same call")
        batch.answers = [
            (other, future, again if other is hosted else answer)
            for other, future, answer in batch.answers
        ]
        hosted.records = []
        self._unsettled.pop(hosted.key, None)
        for key, rows in self._store.load():
            if key == hosted.key:
                hosted.experiment = Experiment(load(rows))
                return
        # It was created by this very batch, so nothing of it is left.
        self.hosted.pop(experiment_id, None)
        self._by_key.pop(hosted.key, None)

    # -- experiments come and go ------------------------------------------------------------------

    def find(self, experiment_id: str) -> Hosted:
        """The experiment of that name.

        Raises:
            NotFound: EXPERIMENT_NOT_FOUND.
        """
        hosted = self.hosted.get(experiment_id)
        if hosted is None:
            raise NotFound(
                ErrorReason.EXPERIMENT_NOT_FOUND,
                f"there is no experiment {experiment_id!r}; `asha status` lists them",
                experiment_id=experiment_id,
            )
        return hosted

    def _create(self, batch: Batch, wanted: Creation, now_us: int) -> Hosted:
        before = self._created_by.get(wanted.request_id) if wanted.request_id else None
        if before is not None:
            return self._created_before(self.hosted[before], wanted)
        if wanted.experiment_id in self.hosted:
            raise experiment_exists(wanted.experiment_id)
        if len(self.hosted) >= self.limits.experiments_max:
            raise ResourceExhausted(
                ErrorReason.LIMIT_EXCEEDED,
                f"the server holds {len(self.hosted)} experiments, its most; delete some",
                experiments_max=self.limits.experiments_max,
            )
        experiment_id = wanted.experiment_id or generate_name(self.hosted)
        experiment, record = Experiment.create(
            experiment_id, wanted.spec, secrets.randbelow(2**31), now_us, wanted.request_id
        )
        hosted = Hosted(self._next_key, experiment)
        self._next_key += 1
        hosted.records.append(record)
        batch.touched[hosted.key] = hosted
        self._host(hosted)
        return hosted

    def _created_before(self, hosted: Hosted, wanted: Creation) -> Hosted:
        """The experiment that this request id created.

        Raises:
            FailedPrecondition: REQUEST_ID_REUSED, with other content.
        """
        state = hosted.experiment.state
        first = (hosted.records or self._store.history(hosted.key, 0, 1))[0].event
        assert isinstance(first, ExperimentCreated)
        assert first.spec.seed is not None
        is_same_id = wanted.experiment_id in ("", first.experiment_id)
        if is_same_id and wanted.spec.completed(first.spec.seed) == first.spec:
            return hosted
        raise FailedPrecondition(
            ErrorReason.REQUEST_ID_REUSED,
            f"request id {wanted.request_id!r} created experiment {state.experiment_id!r} with "
            "another spec; make a fresh request_id for each experiment",
            request_id=wanted.request_id,
            experiment_id=state.experiment_id,
        )

    def _delete(self, batch: Batch, hosted: Hosted, wanted: Deletion) -> None:
        state = hosted.experiment.state
        if not (state.state.is_ended or wanted.force):
            raise FailedPrecondition(
                ErrorReason.EXPERIMENT_RUNNING,
                f"experiment {state.experiment_id!r} is {state.state}; stop it first, or use force",
                experiment_id=state.experiment_id,
            )
        del self.hosted[state.experiment_id], self._by_key[hosted.key]
        self._created_by.pop(state.create_request_id, None)
        for number in state.active:
            self.leases.drop(hosted.key, number)
        gone = NotFound(
            ErrorReason.EXPERIMENT_NOT_FOUND,
            f"experiment {state.experiment_id!r} was deleted",
            experiment_id=state.experiment_id,
        )
        held = [*hosted.suggestion_calls, *(c for cs in hosted.verdict_calls.values() for c in cs)]
        batch.answers += [(None, call.future, gone) for call in held]
        hosted.feed.close(gone)
        batch.deleted.append(hosted.key)
        self._forgetting.append(hosted.key)
        self._unsettled.pop(hosted.key, None)
        batch.touched.pop(hosted.key, None)

    def _refuse_all(self, reason: ErrorReason, message: str) -> None:
        """Ends every call that is held or queued; the same call again goes to the next server."""
        error = Unavailable(reason, f"{message}; the same call again soon")
        calls = self._inbox
        self._inbox = []
        for hosted in self._by_key.values():
            calls += hosted.suggestion_calls
            calls += [call for held in hosted.verdict_calls.values() for call in held]
            hosted.feed.close(error)
        for call in calls:
            if not call.future.done():
                call.future.set_exception(error)


def experiment_exists(experiment_id: str) -> AlreadyExists:
    """The refusal of an id that is taken."""
    return AlreadyExists(
        ErrorReason.EXPERIMENT_EXISTS,
        f"there is an experiment {experiment_id!r} already; choose another id, or leave it out to "
        "have one made",
        experiment_id=experiment_id,
    )


_RENEWING = (ReportMetric, ReportCheckpoint, Heartbeat)


def monotonic_us() -> int:
    """A clock that cannot jump. Microseconds."""
    return time.monotonic_ns() // 1000


def _wall_us() -> int:
    """Wall clock, microseconds since the epoch; for display and wall-time budgets."""
    return time.time_ns() // 1000


def _unheard() -> asyncio.Future[Any]:
    """The future of what the engine asks itself: nobody retrieves its exception."""
    future = _future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()
