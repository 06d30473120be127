"""The folder form: one trial after the other is handed over in a shared folder."""

from __future__ import annotations

import asyncio

from asha_client import AshaError, aio, identity
from asha_client.aio import Trial
from asha_client.aio.connection import AsyncConnection
from asha_client.checkpoint import CheckpointPolicy
from asha_client.decision import Decision, Verdict, decode_decision
from asha_client.errors import LeaseLost, NotFound, TrialEnded
from asha_client.flow import HEARTBEAT, call
from asha_client.pb import experiment_pb2
from asha_client.pb import suggestion_service_pb2 as pb
from asha_client.ranks import Ranks
from asha_client.worker import Worker
from google.protobuf import json_format

from asha_server.cli.run.announcer import Announcer
from asha_server.cli.run.conclusion import Conclusion
from asha_server.cli.run.crew import tell_end
from asha_server.cli.run.training import ASK_S, TICK_S
from asha_server.cli.run.wishes import Wishes
from asha_server.cli.sidecar import forms
from asha_server.cli.sidecar.folder import SharedFolder, State, TrialFolder
from asha_server.cli.sidecar.folder_training import FolderTraining, Manner, Outcome
from asha_server.cli.sidecar.liveness import Liveness


class FolderWorker:
    """The worker behind one shared folder.

    Args:
        experiment_id: whose trials.
        folder: shared with the trainer, prepared.
        liveness: knows whether the trainer lives.
        manner: how trials are handed over.
        announcer: hears what happens.
        wishes: of the user.
        worker_id: the worker's name; None = that of the former sidecar, or the platform's.
        max_idle_s: how long it waits for work before it ends, in seconds; None = for ever.
    """

    def __init__(
        self,
        experiment_id: str,
        folder: SharedFolder,
        liveness: Liveness,
        manner: Manner,
        announcer: Announcer,
        wishes: Wishes,
        worker_id: str | None = None,
        max_idle_s: float | None = None,
    ) -> None:
        self._experiment_id = experiment_id
        self._folder = folder
        self._liveness = liveness
        self._manner = manner
        self._announcer = announcer
        self._wishes = wishes
        self._worker_id = worker_id
        self._max_idle_s = max_idle_s

    async def run(self, experiment: aio.Experiment, connection: AsyncConnection) -> int:
        """Works until the search is finished, or a signal comes.

        Returns:
            The exit status: 0 the search is finished (or no work came for max_idle), 1 it or this
            worker failed, 128 + number of the signal that ended this.
        """
        failure = ""
        try:
            await self._work(experiment, connection)
            if self._wishes.signal is not None:
                return 128 + self._wishes.signal
            state = await tell_end(experiment, self._announcer)
        except AshaError as error:
            failure, state = str(error), "UNKNOWN"
            self._announcer.worker_failed(self._worker_id or "", failure)
        is_failed = bool(failure) or state == "FAILED"
        self._folder.hide()
        message = failure or f"experiment {self._experiment_id} is {state}"
        self._folder.finish(forms.FinishedForm(self._experiment_id, state, is_failed, message))
        return 1 if is_failed else 0

    async def _work(self, experiment: aio.Experiment, connection: AsyncConnection) -> None:
        """One trial after the other.

        Raises:
            AshaError: what the server refused for good, or the worker gave up.
        """
        former = self._folder.load_state(self._experiment_id)
        name = self._worker_id or (former.worker_id if former else "")
        self._worker_id = name or identity.claim(identity.default_worker_id())
        if former is not None and former.worker_id != self._worker_id:
            former = None  # another's trial; it is handed on when its lease expires
        if former is None:
            self._folder.save_state(State(self._worker_id))  # before there is anything to lose
        worker = Worker(
            experiment_id=self._experiment_id,
            worker_id=self._worker_id,
            ranks=Ranks(0, None),
            policy=CheckpointPolicy(None, None),
            max_idle_s=self._max_idle_s,
            grace_s=0.0,
            is_dying=lambda: False,
        )
        trial: Trial | None = None
        outcome = Outcome.TRAINER_READY
        if former is not None and former.assignment is not None:
            trial = await self._take_over(worker, connection, former.assignment)
            if trial is not None:
                outcome = await self._train(trial, former)
        while outcome is not Outcome.LEFT:
            if outcome is not Outcome.TRAINER_READY:
                assert trial is not None
                former_folder = self._folder.trial_folder(trial.number, trial.attempt)
                may_end = outcome is Outcome.TRAINER_LOST
                if not await self._wait_for_trainer(experiment, former_folder, may_end):
                    return
            taken = await self._take(worker, connection, trial)
            if taken is None:
                return
            trial, state = taken
            outcome = await self._train(trial, state)

    async def _take(
        self, worker: Worker, connection: AsyncConnection, former: Trial | None
    ) -> tuple[Trial, State] | None:
        """The next trial; None when there are no more, or this sidecar is to leave."""
        asking = asyncio.create_task(connection.run(worker.advancing(former)))
        leaving = asyncio.create_task(self._wishes.leave.wait())
        await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not asking.done():
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            return None
        assignment = asking.result()
        if assignment is None:
            return None
        if self._wishes.leave.is_set():  # it came at the same time
            trial = self._hold(worker, connection, assignment)
            await Conclusion(trial, self._announcer, {}, "").release("asha sidecar ends", None)
            return None
        content = json_format.MessageToDict(assignment, preserving_proto_field_name=True)
        state = State(worker.worker_id, content)
        self._folder.save_state(state)
        return self._hold(worker, connection, assignment), state

    @staticmethod
    def _hold(worker: Worker, connection: AsyncConnection, assignment: pb.Assignment) -> Trial:
        return Trial(assignment, connection, worker.ranks, worker.policy, worker.is_dying)

    async def _take_over(
        self, worker: Worker, connection: AsyncConnection, content: dict[str, object]
    ) -> Trial | None:
        """The trial of a former sidecar, its lease renewed if it still holds."""
        assignment = json_format.ParseDict(content, pb.Assignment(), ignore_unknown_fields=True)
        trial = self._hold(worker, connection, assignment)
        try:
            answer = await connection.run(call(HEARTBEAT, trial.heartbeat_request()))
        except (LeaseLost, TrialEnded, NotFound) as error:
            trial.note_decision(Decision(Verdict.STOP, error.reason or "LEASE_LOST"))
        else:
            trial.note_renewal(answer.lease.ttl.ToNanoseconds() / 1e9)
            trial.note_decision(decode_decision(answer.decision))
        return trial

    async def _train(self, trial: Trial, state: State) -> Outcome:
        """Hands a trial over and sees it to its end."""
        folder = self._folder.trial_folder(trial.number, trial.attempt)
        training = FolderTraining(
            trial,
            folder,
            self._manner,
            self._liveness,
            self._wishes,
            self._announcer,
            state,
            self._folder.save_state,
        )
        training.hand_over()
        self._liveness.begin(state.has_seen_trainer)
        self._folder.show(folder)
        self._announcer.started(trial, state.worker_id, None)
        outcome = await training.run()
        self._folder.save_state(State(state.worker_id))
        if outcome is Outcome.TRAINER_READY:
            self._folder.hide()
        return outcome

    async def _wait_for_trainer(
        self, experiment: aio.Experiment, folder: TrialFolder, may_end: bool
    ) -> bool:
        """Waits until a trainer shows life again; False if that is of no use any more.

        Because the search has ended without it, or this sidecar is to leave.

        Args:
            experiment: whose search it is.
            folder: of the trial that was given up.
            may_end: whether the trainer may still say there that it ended.
        """
        self._announcer.fact(
            "trainer_awaited",
            "asha sidecar: no trial is taken until a trainer shows life: it touches "
            f"{forms.HEARTBEAT}, or takes the lock of {forms.LOCK}",
        )
        self._liveness.give_up()
        searching = asyncio.create_task(_wait_for_end(experiment))
        leaving = asyncio.create_task(self._wishes.leave.wait())
        try:
            while not self._liveness.has_returned():
                if may_end and folder.read_exit() is not None:
                    break  # the hung one went on, and does as it is told
                done, _ = await asyncio.wait(
                    {searching, leaving}, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    return False
        finally:
            for task in (searching, leaving):
                task.cancel()
            await asyncio.gather(searching, leaving, return_exceptions=True)
        self._folder.hide()
        return True


async def _wait_for_end(experiment: aio.Experiment) -> None:
    """Waits until the search has ended, or cannot be asked about; asks now and then."""
    states = (experiment_pb2.EXPERIMENT_STATE_COMPLETED, experiment_pb2.EXPERIMENT_STATE_FAILED)
    while (await experiment.get()).state not in states:  # noqa: ASYNC110  # the server is asked
        await asyncio.sleep(ASK_S)
