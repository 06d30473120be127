"""One trial in the shared folder, from its hand-over to the word that ends the attempt."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from pathlib import Path, PurePath

from asha_client import FailureKind, Verdict
from asha_client.aio import Trial
from asha_client.decision import Decision

from asha_server.cli.run.announcer import Announcer
from asha_server.cli.run.briefing import Place, describe_trial, make_environment
from asha_server.cli.run.conclusion import LAST_WORDS_S, Conclusion
from asha_server.cli.run.report_line import LineParser
from asha_server.cli.run.report_sender import ReportSender
from asha_server.cli.run.training import ASK_S, TICK_S
from asha_server.cli.run.wishes import Wishes
from asha_server.cli.sidecar import forms
from asha_server.cli.sidecar.folder import Exit, State, TrialFolder
from asha_server.cli.sidecar.liveness import Life, Liveness
from asha_server.cli.sidecar.metrics_log import Line, MetricsLog

MUTE_HINT = f"the trainer appends lines to {forms.METRICS}; see asha sidecar --help"
"""Where to look if a trainer reported nothing."""


TOLD_TO_GO = frozenset({128 + signal.SIGINT, 128 + signal.SIGTERM})
"""Exit statuses of a trainer that somebody ended: nobody's failure, and it may not come back."""


class Outcome(StrEnum):
    """What a trial left behind."""

    TRAINER_READY = auto()
    """It said that it ended: it is there for the next trial."""
    TRAINER_LOST = auto()
    """It is dead or hung: no trial is taken until it shows life, or says that it ended."""
    TRAINER_GONE = auto()
    """It said that it was told to go: no trial is taken until one shows life."""
    LEFT = auto()
    """The sidecar itself was told to end."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How trials are handed over.

    Attributes:
        parse_line: reads a line of metrics.
        failure_kinds: what an exit status other than 0 means; others are RETRYABLE.
        grace_s: how long a trainer may go on once the sidecar must end, in seconds.
        checkpoints: where checkpoints are saved, as the trainer sees it; empty = not said.
    """

    parse_line: LineParser
    failure_kinds: Mapping[int, FailureKind]
    grace_s: float
    checkpoints: str


class FolderTraining:
    """One trial in the hands of a trainer behind the folder.

    Args:
        trial: as it was handed out, or taken over from a former sidecar.
        folder: of the attempt.
        manner: how trials are handed over.
        liveness: knows whether the trainer lives.
        wishes: of the user.
        announcer: hears what happens.
        state: what a former sidecar left, or of a new trial.
        save_state: keeps the state.
    """

    def __init__(
        self,
        trial: Trial,
        folder: TrialFolder,
        manner: Manner,
        liveness: Liveness,
        wishes: Wishes,
        announcer: Announcer,
        state: State,
        save_state: Callable[[State], None],
    ) -> None:
        self._trial = trial
        self._folder = folder
        self._manner = manner
        self._liveness = liveness
        self._wishes = wishes
        self._announcer = announcer
        self._state = state
        self._save_state = save_state
        directory = ""
        if manner.checkpoints:
            name = trial.experiment_id.replace("/", "_")
            directory = str(PurePath(manner.checkpoints, name, f"trial-{trial.number}"))
        self._form = forms.describe_trial(trial, directory)
        self._sender = ReportSender(trial, announcer)
        self._conclusion = Conclusion(trial, announcer, manner.failure_kinds, MUTE_HINT)
        self._log = MetricsLog(
            folder.metrics,
            manner.parse_line,
            trial.metric,
            trial.start_step,
            state.answered_lines,
            state.last_line,
        )
        self._lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self._told: Decision | None = None
        self._has_left_off = False

    def hand_over(self) -> None:
        """Writes the trial; does nothing new if it stands there already."""
        place = Place(0, self._state.worker_id, self._folder.path / forms.PARAMETERS, Path())
        described = {
            **describe_trial(self._trial, place),
            "checkpoint_dir": self._form.checkpoint_dir,
            "start_step": str(self._form.start_step),
            "checkpoint": self._form.checkpoint,
            "metrics_file": str(self._folder.metrics),
        }
        environment = make_environment(described, self._trial.parameters, "")
        del environment["ASHA_SERVER"]  # which a trainer behind a folder does not call
        self._folder.write_trial(self._form, environment)

    async def run(self) -> Outcome:
        """Sees the trial to its end.

        Raises:
            AshaError: the server refused something for good; the trial is released.
        """
        sending = asyncio.create_task(self._send())
        asking = asyncio.create_task(self._ask())
        try:
            outcome = await self._watch(sending, asking)
        finally:
            for task in (sending, asking):
                task.cancel()
            await asyncio.gather(sending, asking, return_exceptions=True)
        return outcome

    async def _watch(self, sending: asyncio.Task[None], asking: asyncio.Task[None]) -> Outcome:
        """Looks at everything again and again until the attempt is over."""
        leave_at: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            self._read(self._log.read())
            self._tell_verdict()
            for task in (sending, asking):
                if task.done() and (error := task.exception()) is not None:
                    await self._conclusion.release(f"the server refused: {error}", None)
                    raise error
            if (ended := self._folder.read_exit()) is not None:
                await self._finish(sending)
                return await self._conclude(ended)
            life = self._look()
            if leave_at is None and self._wishes.leave.is_set():
                leave_at = loop.time() + self._manner.grace_s
                self._leave_off("SIDECAR_LEAVES")
            if leave_at is not None:
                hurry = self._wishes.hurry.is_set() or loop.time() >= leave_at
                if hurry or life is not Life.ALIVE:
                    await self._finish(sending)
                    if not self._conclusion.announce_verdict(None):
                        await self._conclusion.release("asha sidecar was told to end", None)
                    return Outcome.LEFT
            elif life is not Life.ALIVE:
                await self._give_up(life, sending)
                return Outcome.TRAINER_LOST
            await asyncio.wait(
                {sending, asking}, timeout=TICK_S, return_when=asyncio.FIRST_EXCEPTION
            )

    # What the trainer says.

    def _read(self, lines: list[Line]) -> None:
        for line in lines:
            self._liveness.note_word()
            self._lines.put_nowait(line)

    def _look(self) -> Life:
        life = self._liveness.look()
        if self._liveness.has_seen_trainer and not self._state.has_seen_trainer:
            self._keep(replace(self._state, has_seen_trainer=True))
        return life

    async def _send(self) -> None:
        """Deals with every line in order, until None comes."""
        while (line := await self._lines.get()) is not None:
            if line.is_answered:
                if line.step is not None:
                    self._sender.note_answered(line.step, line.report)
                    self._move_start(line.step, line.report.checkpoint)
                continue
            if line.problem and self._folder.note_problem(line.problem):
                self._announcer.fact(
                    "line_refused",
                    f"[trial {self._trial.number}] {forms.METRICS}, line {line.problem}",
                    trial_number=self._trial.number,
                    line=line.number,
                    problem=line.problem,
                )
            if line.step is not None:
                await self._sender.send(line.step, line.report)
                self._move_start(line.step, line.report.checkpoint)
                self._tell_decision()
            if line.step is not None or self._lines.empty():
                self._keep(replace(self._state, answered_lines=line.number, last_line=line.digest))

    async def _ask(self) -> None:
        """Asks the server now and then whether to stop, until it says so."""
        while not self._trial.has_verdict:
            await asyncio.sleep(ASK_S)
            await self._trial.should_stop()

    async def _finish(self, sending: asyncio.Task[None]) -> None:
        """Sends what was said last; not for long where this sidecar must go."""
        self._read(self._log.finish())
        self._lines.put_nowait(None)
        leaving = asyncio.create_task(self._wishes.leave.wait())
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        await asyncio.wait({sending}, timeout=LAST_WORDS_S)
        if sending.done() and (error := sending.exception()) is not None:
            await self._conclusion.release(f"the server refused: {error}", None)
            raise error

    # What the trainer is told.

    def _move_start(self, step: int, checkpoint: str | None) -> None:
        """A trainer that is started again begins at its newest checkpoint."""
        if checkpoint and step >= self._form.start_step and not self._trial.has_verdict:
            self._form = replace(self._form, start_step=step, checkpoint=checkpoint)
            self.hand_over()

    def _tell_decision(self) -> None:
        """Writes the newest decision, if it is another than the trainer was told."""
        decision = self._trial.decision
        if decision is None or (self._has_left_off and not decision.should_stop):
            return
        if decision is not self._told:
            self._told = decision
            self._folder.write_verdict(forms.describe_decision(decision, self._sender.last_step))

    def _tell_verdict(self) -> None:
        """Tells a verdict that came unasked."""
        if self._trial.has_verdict:
            self._tell_decision()

    def _leave_off(self, reason: str) -> None:
        """Tells the trainer to leave off for a reason of this sidecar's, unless it was told."""
        if not self._trial.has_verdict and not self._has_left_off:
            self._has_left_off = True
            decision = Decision(Verdict.STOP, reason)
            self._folder.write_verdict(forms.describe_decision(decision, self._sender.last_step))

    # How the attempt ends.

    async def _conclude(self, ended: Exit) -> Outcome:
        """Ends it as the trainer's exit status demands."""
        trial, code = self._trial, ended.code
        is_leaving = self._wishes.leave.is_set()
        was_told_to_go = (
            code in TOLD_TO_GO and code not in self._manner.failure_kinds and not trial.has_verdict
        )
        if was_told_to_go or (is_leaving and not trial.has_verdict):
            who = "asha sidecar" if is_leaving else "the trainer"
            await self._conclusion.release(f"{who} was told to end", code)
        elif code is not None:
            await self._conclusion.conclude(code, self._sender.has_search_metric, ended.message)
        elif not self._conclusion.announce_verdict(None, ended.message):
            self._folder.note_problem(ended.message)
            await self._conclusion.fail(ended.message, None)
        self._leave_off("TRAINER_ENDED")
        if is_leaving:
            return Outcome.LEFT
        return Outcome.TRAINER_GONE if was_told_to_go else Outcome.TRAINER_READY

    async def _give_up(self, life: Life, sending: asyncio.Task[None]) -> None:
        """Lets go of what nobody trains any more."""
        is_dead = life is Life.DEAD
        self._leave_off("TRAINER_ENDED" if is_dead else "HUNG")
        await self._finish(sending)
        if self._conclusion.announce_verdict(None):
            return
        if is_dead:
            await self._conclusion.fail(
                f"the trainer died without writing {forms.EXIT_STATUS} (out of memory?)", None
            )
        else:
            silent_s = self._liveness.silent_s
            await self._conclusion.release(
                f"the trainer hangs: no line of metrics and no touch of {forms.HEARTBEAT} for "
                f"{silent_s:.0f} s",
                None,
            )

    def _keep(self, state: State) -> None:
        self._state = state
        self._save_state(state)
