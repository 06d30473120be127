"""One trial trained by one program, from its start to the word that ends the attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asha_client import FailureKind
from asha_client.aio import Trial

from asha_server.cli.run.announcer import Announcer
from asha_server.cli.run.conclusion import LAST_WORDS_S, Conclusion
from asha_server.cli.run.metrics_file import MetricsFile
from asha_server.cli.run.program import Program, start_program
from asha_server.cli.run.report_line import LineParser, Report
from asha_server.cli.run.report_sender import ReportSender
from asha_server.cli.run.step_count import StepCount
from asha_server.cli.run.wishes import Wishes

TICK_S = 0.2
"""How often the metrics file and the keep-alive's news are looked at, in seconds."""

ASK_S = 5.0
"""How often the server is asked whether to stop, in seconds: what a person's stop takes at most."""

MUTE_HINT = "see --metrics, --pattern and --metrics-file in asha run --help"
"""Where to look if a program reported nothing."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How programs are treated.

    Attributes:
        parse_line: reads the lines that report metrics.
        grace_s: time between SIGTERM and SIGKILL, in seconds.
        failure_kinds: what an exit status other than 0 means; others are RETRYABLE.
    """

    parse_line: LineParser
    grace_s: float
    failure_kinds: Mapping[int, FailureKind]


class Training:
    """One trial in the hands of one program.

    Reports are queued as their lines come, so that a server that is away never blocks a program,
    and sent in order. The first verdict other than CONTINUE ends the program; what it still says
    after that is heard for its checkpoint only.

    Args:
        trial: as it was handed out.
        conduct: how the program is treated.
        wishes: of the user.
        announcer: hears what happens.
        metrics_file: where metrics are read from; None = standard output.
    """

    def __init__(
        self,
        trial: Trial,
        conduct: Conduct,
        wishes: Wishes,
        announcer: Announcer,
        metrics_file: Path | None = None,
    ) -> None:
        self._trial = trial
        self._conduct = conduct
        self._wishes = wishes
        self._announcer = announcer
        self._file = None if metrics_file is None else MetricsFile(metrics_file)
        self._count = StepCount(trial.metric, trial.start_step)
        self._reports: asyncio.Queue[tuple[int, Report] | None] = asyncio.Queue()
        self._sender = ReportSender(trial, announcer)
        self._conclusion = Conclusion(trial, announcer, conduct.failure_kinds, MUTE_HINT)

    async def run(
        self, words: Sequence[str], environment: Mapping[str, str], worker_id: str
    ) -> None:
        """Starts the program, sees it to its end, and ends the attempt.

        Args:
            words: the command line, filled in.
            environment: all of the program's variables.
            worker_id: the worker's name, to be shown.

        Raises:
            OSError: the program cannot be started; the trial is released.
            AshaError: the server refused a report for good; the trial is released.
        """
        try:
            program = start_program(
                words, environment, self._conduct.grace_s, self._hear_output, self._hear_error
            )
        except OSError as error:
            await self._conclusion.release(f"the program cannot be started: {error}", None)
            raise
        self._announcer.started(self._trial, worker_id, program.pid)
        sending = asyncio.create_task(self._send())
        following = asyncio.create_task(self._follow())
        try:
            await self._wait_reason_to_end(program, sending, following)
            if not program.has_exited:
                await self._let_finish(program)
            if not program.has_exited:
                await program.end(self._wishes.hurry)
            code = await program.finish()
            await self._send_rest(sending)
            await self._raise_refusal(sending, following)
        except BaseException:
            program.kill()
            raise
        finally:
            await _cancelled(following, sending)
        await self._conclude(code)

    # What the program says.

    def _hear_output(self, line: str) -> None:
        self._announcer.program_line(self._trial.number, line, is_error=False)
        if self._file is None:
            self._hear_metrics(line)

    def _hear_error(self, line: str) -> None:
        self._announcer.program_line(self._trial.number, line, is_error=True)

    def _hear_metrics(self, line: str) -> None:
        """Queues what a line reports."""
        report = self._conduct.parse_line(line)
        placed = None if report is None else self._count.place(report)
        if placed is not None:
            self._reports.put_nowait(placed)

    # What the server says.

    async def _send(self) -> None:
        """Sends what is queued, in order, until None comes."""
        while (placed := await self._reports.get()) is not None:
            step, report = placed
            checkpoint = _absolute(report.checkpoint)
            await self._sender.send(step, replace(report, checkpoint=checkpoint))

    async def _follow(self) -> None:
        """Reads the metrics file, and returns when the server wants the training to end."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        while not self._trial.has_verdict:
            await asyncio.sleep(TICK_S)
            self._read_file()
            if loop.time() - asked_at >= ASK_S:
                await self._trial.should_stop()
                asked_at = loop.time()

    def _read_file(self) -> None:
        for line in self._file.read_lines() if self._file else ():
            self._hear_metrics(line)

    async def _wait_reason_to_end(
        self, program: Program, sending: asyncio.Task[None], following: asyncio.Task[None]
    ) -> None:
        """Waits until the program is over, or there is a reason to end it."""
        exiting = asyncio.create_task(program.wait_exit())
        leaving = asyncio.create_task(self._wishes.leave.wait())
        try:
            while not self._trial.has_verdict:
                done, _ = await asyncio.wait(
                    {exiting, leaving, sending, following},
                    timeout=TICK_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if done:
                    return
        finally:
            await _cancelled(exiting, leaving)

    async def _let_finish(self, program: Program) -> None:
        """Lets a program that trained in full do what it does at its end, for the grace time."""
        decision = self._trial.decision
        if decision is None or decision.reason != "MAX_LENGTH" or self._wishes.leave.is_set():
            return
        exiting = asyncio.create_task(program.wait_exit())
        leaving = asyncio.create_task(self._wishes.leave.wait())
        await asyncio.wait(
            {exiting, leaving},
            timeout=self._conduct.grace_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        await _cancelled(exiting, leaving)

    async def _send_rest(self, sending: asyncio.Task[None]) -> None:
        """Sends what the program said last; not for long where this worker must go."""
        for line in self._file.finish() if self._file else ():
            self._hear_metrics(line)
        self._reports.put_nowait(None)
        leaving = asyncio.create_task(self._wishes.leave.wait())
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        await _cancelled(leaving)
        await asyncio.wait({sending}, timeout=LAST_WORDS_S)

    async def _raise_refusal(self, *calls: asyncio.Task[None]) -> None:
        """Releases the trial and raises what the server refused for good, if anything."""
        for call in calls:
            if call.done() and (error := call.exception()) is not None:
                await self._conclusion.release(f"the server refused: {error}", None)
                raise error

    # How the attempt ends.

    async def _conclude(self, code: int) -> None:
        """Tells the server how the program ended, where it does not know already.

        Args:
            code: the exit status; negative for a signal.
        """
        if self._wishes.leave.is_set() and not self._trial.has_verdict:
            await self._conclusion.release("asha run was told to end", code)
        else:
            await self._conclusion.conclude(code, self._sender.has_search_metric)


def _absolute(checkpoint: str | None) -> str | None:
    """A checkpoint's name that means the same in every directory; URIs stay as they are."""
    if checkpoint and Path(checkpoint).exists():
        return str(Path(checkpoint).absolute())
    return checkpoint


async def _cancelled(*tasks: asyncio.Task[object]) -> None:
    """Cancels tasks and waits until they are over; their errors are told elsewhere."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
