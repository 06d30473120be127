"""ExperimentService: what people, controllers, the CLI and the web page call."""

from __future__ import annotations

import secrets
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import Message

from asha_server.errors import FailedPrecondition, NotFound
from asha_server.identity import caller
from asha_server.pb import experiment_service_pb2 as pb
from asha_server.pb import experiment_service_pb2_grpc as rpc
from asha_server.reader.questions import Question
from asha_server.roster import experiment_exists
from asha_server.search.command import PauseExperiment, ResumeExperiment
from asha_server.search.experiment import Experiment
from asha_server.search.leaderboard import best_trials
from asha_server.search.lease import find_trial
from asha_server.service.importing import Importing
from asha_server.wire import control
from asha_server.wire.experiment import format_experiment, format_rung_entries
from asha_server.wire.page import page_token
from asha_server.wire.preview import parse_preview_experiment, preview_response
from asha_server.wire.trial import format_trial, shown_trial

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asha_server.config import Limits
    from asha_server.engine import Engine
    from asha_server.hosted import Hosted
    from asha_server.pb import experiment_pb2
    from asha_server.pb.trial_pb2 import Trial
    from asha_server.reader.process import Reader
    from asha_server.search.command import Command
    from asha_server.search.state import State
    from asha_server.service.watching import Watching

ResponseT = TypeVar("ResponseT", bound=Message)

_REHEARSED_ID = "rehearsed"


class ExperimentService(rpc.ExperimentServiceServicer):
    """Control.

    Args:
        engine: owns the experiments.
        reader: answers long reads.
        watching: answers watches.
        limits: what the server bears.
    """

    def __init__(self, engine: Engine, reader: Reader, watching: Watching, limits: Limits) -> None:
        self._engine = engine
        self._reader = reader
        self._watching = watching
        self._importing = Importing(engine, reader.importer, limits)
        self._limits = limits

    # -- experiments ------------------------------------------------------------------------------

    async def CreateExperiment(
        self, request: pb.CreateExperimentRequest, context: Any
    ) -> pb.CreateExperimentResponse:
        """Creates an experiment, which runs at once."""
        wanted = control.parse_create_experiment(request)
        if wanted.is_rehearsal:
            return pb.CreateExperimentResponse(experiment=await self._rehearse(wanted))
        try:
            hosted = await self._engine.create(wanted.experiment_id, wanted.spec, wanted.request_id)
        except FailedPrecondition as error:
            if caller.get().covers(error.metadata["experiment_id"]):
                raise
            raise FailedPrecondition(
                error.reason,
                "that request id created another experiment; make a fresh one for each",
                request_id=wanted.request_id,
            ) from None
        experiment_id = hosted.experiment.state.experiment_id
        return pb.CreateExperimentResponse(experiment=await self._experiment(experiment_id))

    async def _rehearse(self, wanted: control.NewExperiment) -> experiment_pb2.Experiment:
        """The experiment that would be; nothing is written."""
        if wanted.experiment_id and await self._exists(wanted.experiment_id):
            raise experiment_exists(wanted.experiment_id)
        experiment, _ = Experiment.create(
            wanted.experiment_id or _REHEARSED_ID, wanted.spec, secrets.randbelow(2**31), _now_us()
        )
        message = format_experiment(experiment.state, _now_us())
        message.experiment_id = wanted.experiment_id
        return message

    async def _exists(self, experiment_id: str) -> bool:
        try:
            await self._engine.read(experiment_id, lambda hosted: None)
        except NotFound:
            return False
        return True

    async def GetExperiment(
        self, request: pb.GetExperimentRequest, context: Any
    ) -> pb.GetExperimentResponse:
        """One experiment and what became of it."""
        experiment_id = control.parse_experiment_id(request.experiment_id)
        return pb.GetExperimentResponse(experiment=await self._experiment(experiment_id))

    async def ListExperiments(
        self, request: pb.ListExperimentsRequest, context: Any
    ) -> pb.ListExperimentsResponse:
        """Experiments, latest first."""
        states, page = control.parse_list_experiments(request)
        response = pb.ListExperimentsResponse()
        size = last_key = 0
        identity = caller.get()
        for hosted in reversed(await self._engine.experiments()):
            if page.after and hosted.key >= page.after[0]:
                continue
            if not identity.covers(hosted.experiment.state.experiment_id):
                continue
            message = await self._listed(hosted, states)
            if message is None:
                continue
            size += message.ByteSize() + 6
            is_full = len(response.experiments) == page.size or size > self._limits.page_bytes_max
            if response.experiments and is_full:
                response.next_page_token = page_token("experiments", last_key)
                break
            response.experiments.append(message)
            last_key = hosted.key
        return response

    async def _listed(
        self, hosted: Hosted, states: frozenset[Any]
    ) -> experiment_pb2.Experiment | None:
        """An experiment for the list; None where it is not wanted, or was deleted meanwhile."""

        def shown(found: Hosted) -> experiment_pb2.Experiment | None:
            state = found.experiment.state
            if found is not hosted or (states and state.state not in states):
                return None
            return format_experiment(state, _now_us(), has_brackets=False)

        try:
            message: experiment_pb2.Experiment | None = await self._engine.read(
                hosted.experiment.state.experiment_id, shown
            )
        except NotFound:
            return None
        return message

    async def UpdateExperiment(
        self, request: pb.UpdateExperimentRequest, context: Any
    ) -> pb.UpdateExperimentResponse:
        """Changes what may be changed of a spec."""
        experiment = await self._act(*control.parse_update_experiment(request))
        return pb.UpdateExperimentResponse(experiment=experiment)

    async def DeleteExperiment(
        self, request: pb.DeleteExperimentRequest, context: Any
    ) -> pb.DeleteExperimentResponse:
        """Deletes an experiment and all its history."""
        experiment_id = control.parse_experiment_id(request.experiment_id)
        await self._engine.delete(experiment_id, force=request.force)
        return pb.DeleteExperimentResponse()

    async def PauseExperiment(
        self, request: pb.PauseExperimentRequest, context: Any
    ) -> pb.PauseExperimentResponse:
        """Pauses an experiment."""
        experiment_id = control.parse_experiment_id(request.experiment_id)
        experiment = await self._act(experiment_id, PauseExperiment())
        return pb.PauseExperimentResponse(experiment=experiment)

    async def ResumeExperiment(
        self, request: pb.ResumeExperimentRequest, context: Any
    ) -> pb.ResumeExperimentResponse:
        """Undoes a pause."""
        experiment_id = control.parse_experiment_id(request.experiment_id)
        experiment = await self._act(experiment_id, ResumeExperiment())
        return pb.ResumeExperimentResponse(experiment=experiment)

    async def StopExperiment(
        self, request: pb.StopExperimentRequest, context: Any
    ) -> pb.StopExperimentResponse:
        """Ends an experiment for good."""
        experiment = await self._act(*control.parse_stop_experiment(request, self._limits))
        return pb.StopExperimentResponse(experiment=experiment)

    async def _act(self, experiment_id: str, command: Command) -> experiment_pb2.Experiment:
        message: experiment_pb2.Experiment = await self._engine.submit(
            experiment_id,
            command,
            then=lambda hosted, _: format_experiment(hosted.experiment.state, _now_us()),
        )
        return message

    async def _experiment(self, experiment_id: str) -> experiment_pb2.Experiment:
        message: experiment_pb2.Experiment = await self._engine.read(
            experiment_id, lambda hosted: format_experiment(hosted.experiment.state, _now_us())
        )
        return message

    async def PreviewExperiment(
        self, request: pb.PreviewExperimentRequest, context: Any
    ) -> pb.PreviewExperimentResponse:
        """What a spec would do; writes nothing."""
        if not request.with_forecast:
            return preview_response(request)
        parse_preview_experiment(request)  # refused before a process is started
        answer = await self._reader.forecast(request.SerializeToString())
        return pb.PreviewExperimentResponse.FromString(answer)

    # -- trials -----------------------------------------------------------------------------------

    async def CancelTrial(
        self, request: pb.CancelTrialRequest, context: Any
    ) -> pb.CancelTrialResponse:
        """Ends one trial."""
        trial = await self._change(*control.parse_cancel_trial(request, self._limits))
        return pb.CancelTrialResponse(trial=trial)

    async def CreateTrial(
        self, request: pb.CreateTrialRequest, context: Any
    ) -> pb.CreateTrialResponse:
        """Takes a given configuration, or a finished trial."""
        trial = await self._change(*control.parse_create_trial(request, self._limits))
        return pb.CreateTrialResponse(trial=trial)

    async def _change(self, experiment_id: str, command: Command) -> Trial:
        """The trial that a command created or cancelled."""
        message: Trial = await self._engine.submit(
            experiment_id,
            command,
            then=lambda hosted, reply: format_trial(
                shown_trial(hosted.experiment.state, reply.trial_number)
            ),
        )
        return message

    async def GetBestTrials(
        self, request: pb.GetBestTrialsRequest, context: Any
    ) -> pb.GetBestTrialsResponse:
        """The best trials."""
        experiment_id, limit = control.parse_get_best_trials(request)
        key, numbers = await self._engine.read(
            experiment_id, lambda hosted: (hosted.key, best_trials(hosted.experiment.state, limit))
        )
        question = Question(
            "best_trials", key, numbers=numbers, page_bytes_max=self._limits.page_bytes_max
        )
        messages = await self._reader.ask(question)
        return pb.GetBestTrialsResponse.FromString(messages[0])

    async def ListRungs(self, request: pb.ListRungsRequest, context: Any) -> pb.ListRungsResponse:
        """Entries of the rungs, by bracket, rung and rank."""
        bracket, rung, page = control.parse_list_rungs(request)
        response: pb.ListRungsResponse = await self._engine.read(
            request.experiment_id,
            lambda hosted: _rungs_page(
                hosted.experiment.state, bracket, rung, page.after, page.size
            ),
        )
        return response

    # -- long reads, answered by the reader process -----------------------------------------------

    async def GetTrial(self, request: pb.GetTrialRequest, context: Any) -> pb.GetTrialResponse:
        """One trial and its attempts."""
        _, number = control.parse_trial(request.experiment_id, request.trial_number)
        return await self._read("get_trial", request, pb.GetTrialResponse, number)

    async def ListTrials(
        self, request: pb.ListTrialsRequest, context: Any
    ) -> pb.ListTrialsResponse:
        """Trials, by number."""
        control.parse_list_trials(request)
        return await self._read("list_trials", request, pb.ListTrialsResponse)

    async def ListObservations(
        self, request: pb.ListObservationsRequest, context: Any
    ) -> pb.ListObservationsResponse:
        """Recorded reports, in their order."""
        trial, _ = control.parse_list_reports(request, "observations")
        return await self._read("list_observations", request, pb.ListObservationsResponse, trial)

    async def ListDecisions(
        self, request: pb.ListDecisionsRequest, context: Any
    ) -> pb.ListDecisionsResponse:
        """Decisions as they were made, in their order."""
        trial, _ = control.parse_list_reports(request, "decisions")
        return await self._read("list_decisions", request, pb.ListDecisionsResponse, trial)

    async def ListCheckpoints(
        self, request: pb.ListCheckpointsRequest, context: Any
    ) -> pb.ListCheckpointsResponse:
        """Reported checkpoints: the authority on which may be deleted."""
        trial, _ = control.parse_list_checkpoints(request)
        return await self._read("list_checkpoints", request, pb.ListCheckpointsResponse, trial)

    async def _read(
        self,
        name: str,
        request: Any,
        response_type: type[ResponseT],
        trial_number: int | None = None,
    ) -> ResponseT:
        """The reader's answer about an experiment and, where given, a trial, that exist.

        Args:
            name: the query.
            request: checked.
            response_type: the RPC's response.
            trial_number: the trial it is about; None: none in particular.
        """

        def question(hosted: Hosted) -> Question:
            state = hosted.experiment.state
            numbers = []
            if trial_number is not None:
                numbers = [find_trial(state, trial_number).number]
            incumbent = state.incumbent()
            return Question(
                name,
                hosted.key,
                request.SerializeToString(),
                numbers,
                incumbent.number if incumbent else -1,
                self._limits.page_bytes_max,
            )

        asked = await self._engine.read(request.experiment_id, question)
        return response_type.FromString((await self._reader.ask(asked))[0])

    async def WatchExperiment(
        self, request: pb.WatchExperimentRequest, context: Any
    ) -> AsyncIterator[pb.WatchExperimentResponse]:
        """Committed events in order, until the end."""
        async with aclosing(self._watching.watch(*control.parse_watch(request))) as responses:
            async for response in responses:
                yield response

    async def ExportExperiment(
        self, request: pb.ExportExperimentRequest, context: Any
    ) -> AsyncIterator[pb.ExportExperimentResponse]:
        """The experiment with its history as a JSON-lines file."""
        experiment_id = control.parse_experiment_id(request.experiment_id)
        key = await self._engine.read(experiment_id, lambda hosted: hosted.key)
        async with aclosing(self._reader.export(key)) as chunks:
            async for chunk in chunks:
                yield pb.ExportExperimentResponse(chunk=chunk)

    async def ImportExperiment(
        self, request_iterator: AsyncIterator[pb.ImportExperimentRequest], context: Any
    ) -> pb.ImportExperimentResponse:
        """An experiment of an exported file; a running one arrives paused."""
        experiment_id = await self._importing.run(request_iterator)
        return pb.ImportExperimentResponse(experiment=await self._experiment(experiment_id))


def _rungs_page(
    state: State, bracket: int | None, rung: int | None, after: tuple[int, ...], size: int
) -> pb.ListRungsResponse:
    """Entries after a place (bracket, rung, rank). O(size · log n)."""
    response = pb.ListRungsResponse()
    for b, r in ((one.index, r) for one in state.brackets for r in range(len(one.rungs))):
        is_wanted = bracket in (None, b) and rung in (None, r)
        if not is_wanted or (b, r) < after[:2]:
            continue
        first = after[2] + 1 if (b, r) == after[:2] else 0
        room = size - len(response.entries)
        response.entries.extend(format_rung_entries(state, b, r, first, room))
        if len(response.entries) == size:
            last = response.entries[-1]
            response.next_page_token = page_token("rungs", last.bracket, last.rung, last.rank)
            break
    return response


def _now_us() -> int:
    return time.time_ns() // 1000
