"""What the engine decides in one turn: call by call, and what follows from the time.

Nothing here waits and nothing is durable yet: decisions go into the batch, which the engine
commits before it delivers any answer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from asha_server.arrivals import Arrivals
from asha_server.errors import (
    AshaError,
    ErrorReason,
    FailedPrecondition,
    NotFound,
    Unavailable,
)
from asha_server.hosted import (
    ArrivalStep,
    Batch,
    Call,
    Creation,
    Deletion,
    Hosted,
    Listing,
    Stats,
)
from asha_server.search.command import (
    CheckBudget,
    Command,
    CreateTrial,
    GetSuggestion,
    UpdateExperiment,
    Wait,
)
from asha_server.search.event import ExperimentStateChanged
from asha_server.search.terms import ExperimentState, WaitReason
from asha_server.store import StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from asha_server.accounts import Account
    from asha_server.hosted import Then
    from asha_server.lease_keeper import LeaseKeeper
    from asha_server.roster import Roster
    from asha_server.search.command import Reply

log = logging.getLogger(__name__)

SETTLED_PER_BATCH = 300
"""Rows of trials ended in bulk that are written with one batch: some 10 ms of its time,
which others wait for."""


class Decider:
    """Carries out calls on the experiments of a roster.

    Args:
        roster: the experiments.
        keeper: follows the leases.
        stats: counts.
        look_again: has a held call decided again, after a time in microseconds.
    """

    def __init__(
        self,
        roster: Roster,
        keeper: LeaseKeeper,
        stats: Stats,
        look_again: Callable[[Call, int], None],
    ) -> None:
        self._roster = roster
        self._arrivals = Arrivals(roster)
        self._keeper = keeper
        self._stats = stats
        self._look_again = look_again
        # Key -> Hosted, experiments with trials ended in bulk whose rows are to be written.
        self._unsettled: dict[int, Hosted] = {}

    def take_up(self, hosted: Hosted) -> None:
        """Begins with an experiment as it was read from the store."""
        self._keeper.take_up(hosted)
        if hosted.experiment.state.unsettled:
            self._unsettled[hosted.key] = hosted

    @property
    def has_unsettled(self) -> bool:
        """Whether `settle` has something to do."""
        return bool(self._unsettled)

    def settle(self, batch: Batch) -> None:
        """Takes into the batch some rows of trials that one event ended in bulk."""
        for hosted in batch.touched.values():
            if hosted.experiment.state.unsettled:
                self._unsettled[hosted.key] = hosted
        for key, hosted in list(self._unsettled.items()):
            batch.touched[key] = hosted
            if not hosted.experiment.state.settle(SETTLED_PER_BATCH):
                del self._unsettled[key]

    def decide(self, batch: Batch, call: Call) -> None:
        """Decides one call and notes its answer, unless it is to be held."""
        hosted: Hosted | None = None
        try:
            match call.work:
                case Creation():
                    hosted = self._roster.create(call.work, call.account, batch.now_us)
                    answer: Any = hosted
                    if hosted.records:
                        batch.touched[hosted.key] = hosted
                case Listing() | Deletion() | ArrivalStep():
                    answer = self._keep_roster(batch, call)
                case work if callable(work):
                    hosted = self._roster.find(call.experiment_id)
                    answer = work(hosted)
                case command:
                    hosted = self._roster.find(call.experiment_id)
                    self._refuse_more_trials(call.account, hosted, command)
                    again = _asked_again(hosted, command)
                    answer = self._carry_out(batch, hosted, command)
                    call.work = again
                    if call.may_wait and hosted.waiting.hold(call, answer):
                        if isinstance(answer, Wait) and answer.retry_after_us:
                            self._look_again(call, answer.retry_after_us)
                        return
                    if call.then is not None:
                        answer = _told(call.then, hosted, answer)
        except AshaError as error:
            answer = error
        except StoreFailed:  # the disk's fault, not the experiment's
            raise
        except Exception as error:
            answer = error
            if hosted is not None and not callable(call.work):
                self._quarantine(batch, hosted)
        batch.answer(call, answer, hosted)

    def _keep_roster(self, batch: Batch, call: Call) -> Any:
        """Which experiments there are: told, or changed."""
        match call.work:
            case Listing():
                return list(self._roster.by_id.values())
            case Deletion():
                self._delete(batch, self._roster.find(call.experiment_id), call.work)
                return None
            case ArrivalStep():
                return self._arrivals.carry_out(batch, call.work, call.account)

    def _refuse_more_trials(self, account: Account, hosted: Hosted, command: Command) -> None:
        """Whoever created an experiment may raise its trials up to what it may have.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        if not account.is_limited or account.key != hosted.created_by:
            return
        state = hosted.experiment.state
        match command:
            case UpdateExperiment(changes={"max_trials": int(wanted)}):
                added = wanted - (state.spec.max_trials or 0)
            case CreateTrial(observations=observed, joins_rungs=joins) if observed and not joins:
                is_known = bool(command.request_id) and command.request_id in state.created_by
                added = 0 if is_known else 1
            case _:
                return
        if added > 0:
            self._roster.check_trials(account, added)

    def _carry_out(self, batch: Batch, hosted: Hosted, command: Command) -> Reply:
        """Decides one command of the core. Those who wait for work already come first."""
        if isinstance(command, GetSuggestion) and hosted.records and hosted.waiting.has_suggestions:
            self._serve_suggestions(batch, hosted)
        return self._decide_command(batch, hosted, command)

    def _decide_command(self, batch: Batch, hosted: Hosted, command: Command) -> Reply:
        outcome = hosted.experiment.decide(command, batch.now_us)
        if outcome.records:
            hosted.records.extend(outcome.records)
            batch.touched[hosted.key] = hosted
        self._keeper.keep(hosted, command, outcome)
        return outcome.reply

    def serve_waiting(self, batch: Batch) -> None:
        """Wakes as many long polls as there is something for."""
        for hosted in list(batch.touched.values()):
            self._serve_suggestions(batch, hosted)
            if not hosted.waiting.has_verdicts:
                continue
            is_bulk = any(isinstance(r.event, ExperimentStateChanged) for r in hosted.records)
            # Not of trials that only train on: that is no verdict to wait for.
            news = None if is_bulk else hosted.experiment.state.changes.trials
            for call in hosted.waiting.take_verdicts(news):
                if not call.future.done():
                    self.decide(batch, call)

    def _serve_suggestions(self, batch: Batch, hosted: Hosted) -> None:
        """First come, first served, until there is no more work."""
        passed_over: list[Call] = []
        while (call := hosted.waiting.take_suggestion()) is not None:
            if call.future.done():
                continue
            assert isinstance(call.work, GetSuggestion)
            try:
                answer: Any = self._decide_command(batch, hosted, call.work)
            except AshaError as error:
                answer = error
            except StoreFailed:
                raise
            except Exception as error:
                self._quarantine(batch, hosted)
                batch.answer(call, error, hosted)
                break
            if not isinstance(answer, Wait):
                batch.answer(call, answer, hosted)
                continue
            passed_over.append(call)
            if answer.reason is not WaitReason.WORKER_FAILING:
                break
        hosted.waiting.put_back(passed_over)

    def expire(self, batch: Batch, now_us: int) -> None:
        """Queues the trials of overdue leases again, after everything that was said in time.

        Args:
            batch: of this turn.
            now_us: up to when everything that was said is known; monotonic.
        """
        for hosted, command in self._keeper.overdue(self._roster.by_key, now_us):
            self._stats.expiries += 1
            self.decide(batch, _unheard(hosted, command))

    def check_budgets(self, batch: Batch) -> None:
        """Ends experiments whose wall time is over."""
        for hosted in list(self._roster.by_key.values()):
            state = hosted.experiment.state
            budget_us = state.spec.max_wall_time_us
            is_running = state.state is ExperimentState.RUNNING
            if is_running and budget_us and state.running_us(batch.now_us) >= budget_us:
                self.decide(batch, _unheard(hosted, CheckBudget()))

    def _quarantine(self, batch: Batch, hosted: Hosted) -> None:
        """A bug met in one experiment: what this batch did to it is dropped and it is reloaded."""
        experiment_id = hosted.experiment.state.experiment_id
        log.error("experiment_quarantined", extra={"experiment_id": experiment_id}, exc_info=True)  # noqa: LOG014 - called by handlers
        again = Unavailable(ErrorReason.STORE_FAILED, "the experiment is reloaded; the same call")
        batch.take_back(hosted, again)
        self._unsettled.pop(hosted.key, None)
        if self._roster.reload(hosted):
            self.take_up(hosted)
        else:  # created by this very batch, so nothing of it is left
            self._end_held(batch, hosted, again)

    def _delete(self, batch: Batch, hosted: Hosted, wanted: Deletion) -> None:
        state = hosted.experiment.state
        if not (state.state.is_ended or wanted.force):
            raise FailedPrecondition(
                ErrorReason.EXPERIMENT_RUNNING,
                f"experiment {state.experiment_id!r} is {state.state}; stop it first, or use force",
                experiment_id=state.experiment_id,
            )
        self._roster.remove(hosted)
        batch.touched.pop(hosted.key, None)
        self._unsettled.pop(hosted.key, None)
        batch.deleted.append(hosted.key)
        batch.ruins.append(state)
        gone = NotFound(
            ErrorReason.EXPERIMENT_NOT_FOUND,
            f"experiment {state.experiment_id!r} was deleted",
            experiment_id=state.experiment_id,
        )
        self._end_held(batch, hosted, gone)

    def _end_held(self, batch: Batch, hosted: Hosted, error: AshaError) -> None:
        """Nobody waits for, watches or trains an experiment that is gone."""
        for call in hosted.waiting.take_all():
            batch.answer(call, error)
        self._keeper.end_all(hosted)
        hosted.feed.close(error)


def _told(then: Then, hosted: Hosted, reply: Reply) -> Any:
    """What is told after a command; a bug in the telling is no bug of the experiment."""
    try:
        return then(hosted, reply)
    except Exception as error:
        return error


def _asked_again(hosted: Hosted, command: Command) -> Command:
    """What a command asks if it is held: a trial it gave back is given back, and not wanted."""
    if not isinstance(command, GetSuggestion) or not command.release_held:
        return command
    held = hosted.experiment.state.holding.get(command.worker_id, -1)
    return msgspec.structs.replace(command, release_held=False, declined=held)


def _unheard(hosted: Hosted, command: Command) -> Call:
    """What the engine asks itself: nobody retrieves its exception."""
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return Call(hosted.experiment.state.experiment_id, command, future)
