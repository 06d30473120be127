"""Kills a real server under real load, again and again, and judges what it leaves behind.

A round is a fresh file, searched by many while its server dies again and again. Workers and people
(`trainer.py`, `person.py`) call through `caller.py`, which writes every request and answer into a
`Journal`. `moments.py` chooses when the server dies. After every kill the file as it lies there is
judged (`judge.py`): everything that was ever answered must be in it, once and unchanged, and
`redecided.py` has the core decide the whole history again, as the model of what should have been
decided. Every new server is asked again what former ones had answered.
"""

from __future__ import annotations

import asyncio
import copy
import random
import signal
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import trial_pb2 as t

from .caller import CHANNEL_OPTIONS, Caller
from .file_history import copy_of, read_file
from .journal import Exchange, Journal
from .judge import violations
from .moments import MOMENTS, starting
from .person import Person
from .searches import ENDLESS, searches
from .server_process import ServerProcess
from .session_caller import SessionCaller
from .trainer import Trainer

PATIENCE_S = 5.0
"""A moment that does not come within this time is any moment."""
PROBES = 12
"""Answered requests that are sent again to each server that was just started."""
SHOWN = 20
LINE = 400


class BrokenPromise(AssertionError):
    """Something that was promised is not so; the message says how to see it again."""


@dataclass
class Tally:
    """What a campaign did.

    Attributes:
        kills: moment -> servers killed at it.
        answers: requests that were answered.
        retried: of these, how many had to be sent more than once.
        events: events of all files in the end.
        judged: files held against what was answered.
    """

    kills: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    retried: int = 0
    events: int = 0
    judged: int = 0

    def add(self, other: Tally) -> None:
        """Adds what another one counted."""
        self.kills.update(other.kills)
        self.answers += other.answers
        self.retried += other.retried
        self.events += other.events
        self.judged += other.judged

    def __str__(self) -> str:
        moments = ", ".join(f"{number} {moment}" for moment, number in self.kills.most_common())
        return (
            f"{self.kills.total()} kills ({moments}), {self.judged} files judged, "
            f"{self.answers} answers ({self.retried} sent more than once), {self.events} events"
        )


class Round:
    """One file from its first server to its last.

    Args:
        directory: where the file and its copies lie; empty.
        seed: of what everybody does. When, is the machine's.
        kills: how often the server is killed.
        workers: how many train in each experiment.
        trials: about so many has each; with few of them the searches are awaited to their ends.
    """

    def __init__(
        self, directory: Path, seed: int, kills: int, workers: int, trials: int = ENDLESS
    ) -> None:
        self.tally = Tally()
        self._searches = searches(trials)
        self._is_endless = trials >= ENDLESS
        self._directory = directory
        self._seed = seed
        self._kills = kills
        self._workers = workers
        self._random = random.Random(f"kills {seed}")
        self._server = ServerProcess(directory / "asha.db")
        self._journal = Journal()
        self._over = asyncio.Event()

    async def run(self) -> Tally:
        """Kills the server as often as wanted, then lets it end, and judges throughout.

        Raises:
            BrokenPromise: what was promised is not so.
        """
        await self._start()
        try:
            await self._live()
        finally:
            status = await self._server.end(signal.SIGTERM)
        if status:
            raise self._broken([f"the last server ended with status {status}"], "the end")
        await self._judge(self._server.database, copy.copy(self._journal), "the end")
        answered = [exchange for exchange in self._journal.exchanges if exchange.answered]
        self.tally.answers = len(answered)
        self.tally.retried = sum(exchange.tries > 1 for exchange in answered)
        return self.tally

    async def _live(self) -> None:
        """From the creation of the experiments to the end of everybody's work."""
        async with grpc.aio.insecure_channel(self._server.address, CHANNEL_OPTIONS) as channel:
            caller = Caller(channel, self._journal, random.Random(f"caller {self._seed}"))
            for experiment_id, spec in self._searches.items():
                request = e.CreateExperimentRequest(
                    experiment_id=experiment_id, spec=spec, request_id=f"create-{experiment_id}"
                )
                await caller.call("CreateExperiment", request)
            watching = [asyncio.create_task(self._watch(caller, name)) for name in self._searches]
            async with asyncio.TaskGroup() as group:
                working = [group.create_task(work) for work in self._trainers(channel, caller)]
                for person in self._people(caller):
                    group.create_task(person)
                while self.tally.kills.total() < self._kills:
                    await self._kill_once(caller)
                if not self._is_endless:
                    await asyncio.wait(working)
                self._over.set()
            await self._probe(caller)
            if not self._is_endless:
                await asyncio.wait(watching)  # the end of its experiment ends a watch
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    def _trainers(
        self, channel: grpc.aio.Channel, caller: Caller
    ) -> Iterator[Coroutine[Any, Any, None]]:
        """Every second one over a session, which all of these share."""
        does = random.Random(f"session {self._seed}")
        session = SessionCaller(channel, self._journal, does)
        session.sending, session.answering = caller.sending, caller.answering
        for experiment_id in self._searches:
            for number in range(self._workers):
                name = f"{experiment_id}-{number}"
                does = random.Random(f"{self._seed} {name}")
                by = session if number % 2 else caller
                yield Trainer(by, experiment_id, name, does, self._over).work()

    def _people(self, caller: Caller) -> Iterator[Coroutine[Any, Any, None]]:
        """One for each endless search; one that is to end is left to itself."""
        for experiment_id in self._searches if self._is_endless else ():
            does = random.Random(f"{self._seed} {experiment_id}")
            yield Person(caller, experiment_id, does, self._over).look_after()

    async def _watch(self, caller: Caller, experiment_id: str) -> None:
        seen = self._journal.watched.setdefault(experiment_id, [])
        async for event in caller.watch(experiment_id):
            seen.append(event)

    async def _start(self) -> None:
        self._journal.starts_us.append(time.time_ns() // 1000)
        await self._server.start()

    async def _kill_once(self, caller: Caller) -> None:
        """One kill, at a moment of its own, and a new start; that may be killed as well."""
        moment = self._random.choice(MOMENTS)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await moment(caller, self._server, self._random)
        except TimeoutError:
            pass
        while True:
            await self._server.kill()
            self.tally.kills[moment.__name__] += 1
            number = self.tally.kills.total()
            name = f"kill {number}, {moment.__name__}"
            left = copy_of(self._server.database, self._directory / f"kill-{number}")
            answered = self._answered_so_far()
            started = time.monotonic()
            self._journal.starts_us.append(time.time_ns() // 1000)
            await self._server.spawn()
            if self.tally.kills.total() >= self._kills or self._random.random() > 0.25:
                break
            moment = starting
            await starting(caller, self._server, self._random)
        await self._server.listening()
        await self._check_leases(caller, left, started, name)
        await self._probe(caller)
        await self._judge(left, answered, name)

    def _answered_so_far(self) -> Journal:
        """The journal as it stands; what is answered later is judged by a later file."""
        return Journal(
            [copy.copy(exchange) for exchange in self._journal.exchanges],
            {name: list(events) for name, events in self._journal.watched.items()},
            list(self._journal.starts_us),
        )

    async def _judge(self, path: Path, journal: Journal, name: str) -> None:
        found = await asyncio.to_thread(violations, journal, path)
        if found:
            raise self._broken(found, name)
        histories = await asyncio.to_thread(read_file, path)
        self.tally.judged += 1
        self.tally.events = sum(len(history.records) for history in histories.values())

    async def _probe(self, caller: Caller) -> None:
        """Asks again what was answered before: the answers must be the same."""
        methods = ("GetSuggestion", "CreateTrial", "ReportMetric", "CreateExperiment")
        answered = [
            exchange
            for exchange in _first_told(self._journal.exchanges)
            if exchange.method in methods and exchange.request.experiment_id in self._searches
        ]
        for former in self._random.sample(answered, min(PROBES, len(answered))):
            again = await caller.call(former.method, former.request, is_repeat=True)
            if not _is_same_answer(former, again):
                raise self._broken([f"asked again: {former}\n  now {again}"], "probe")

    async def _check_leases(self, caller: Caller, left: Path, started: float, name: str) -> None:
        """Every lease that was live has one fresh term, at most as long as it should be."""
        experiments = await asyncio.to_thread(read_file, left)
        found: list[str] = []
        for experiment_id in self._searches:
            state = experiments[experiment_id].state
            ttl_s = state.spec.lease_ttl_us / 1e6
            live = {(number, state.trials[number].attempt_number) for number in state.active}
            request = a.ListLeasesRequest(experiment_id=experiment_id, page_size=1000)
            listed = (await caller.call("ListLeases", request)).response.leases
            elapsed_s = time.monotonic() - started
            numbers = Counter(lease.trial_number for lease in listed)
            found += [f"trial {n} has {k} leases" for n, k in numbers.items() if k > 1]
            for lease in listed:
                remaining_s = lease.remaining.ToNanoseconds() / 1e9
                if (lease.trial_number, lease.attempt) not in live:
                    continue
                if not ttl_s - elapsed_s - 0.1 <= remaining_s <= ttl_s + 0.1:
                    found.append(f"{remaining_s} s of {ttl_s} s after {elapsed_s} s: {lease}")
        if found:
            raise self._broken(found, name)

    def _broken(self, found: list[str], name: str) -> BrokenPromise:
        latest = "\n".join(f"  {exchange}"[:LINE] for exchange in self._journal.latest(SHOWN))
        shown = "\n".join(found[:SHOWN])
        log = self._server.log.read_text()[-2000:]
        return BrokenPromise(
            f"seed {self._seed}, {name}: {len(found)} promises broken\n{shown}\n"
            f"the last answers:\n{latest}\nthe files: {self._directory}\nthe log: {log}"
        )


def _first_told(exchanges: list[Exchange]) -> Iterator[Exchange]:
    """Those that were answered; of several told of one attempt, the one that created it.

    A worker that asks anew for what it holds is told of it once more, and that is stored nowhere.
    """
    tokens: set[str] = set()
    for exchange in exchanges:
        if exchange.response is None:
            continue
        if exchange.method == "GetSuggestion":
            token = exchange.response.assignment.lease.token
            if token in tokens:
                continue
            tokens.add(token)
        yield exchange


def _is_same_answer(  # noqa: PLR0911 - a table
    former: Exchange, again: Exchange
) -> bool:
    """Whether a repeat got what its first got, or the word that this attempt is over."""
    if again.refusal in ("ABORTED/LEASE_LOST", "FAILED_PRECONDITION/TRIAL_ENDED"):
        return former.method in ("GetSuggestion", "ReportMetric")
    if again.response is None:
        return False
    one, other = former.response, again.response
    match former.method:
        case "CreateTrial":
            return bool(one.trial.trial_number == other.trial.trial_number)
        case "CreateExperiment":
            return bool(one.experiment.create_time == other.experiment.create_time)
        case "GetSuggestion" if one.HasField("assignment"):
            pair = (one.assignment, other.assignment)
            return len({(g.trial_number, g.lease.token, g.start_step) for g in pair}) == 1
        case "ReportMetric":
            # Its decision, that of the step's later part, or the verdict that ended the attempt.
            is_part = former.request.metrics[0].name != "loss"
            is_later = is_part and one.decision.sequence < other.decision.sequence
            has_ended = other.decision.verdict != t.VERDICT_CONTINUE
            return bool(one.decision == other.decision or is_later or has_ended)
    return True


async def campaign(
    directory: Path, *, seed: int, kills: int, kills_per_round: int = 12, workers: int = 3
) -> Tally:
    """As many rounds as it takes to kill so often.

    Args:
        directory: for the files; every round has its own inside it.
        seed: of the first round; the others count on from it.
        kills: in all.
        kills_per_round: after which a fresh file is begun.
        workers: in each experiment.

    Raises:
        BrokenPromise: what was promised is not so.
    """
    tally = Tally()
    while (left := kills - tally.kills.total()) > 0:
        place = directory / f"seed-{seed}"
        place.mkdir()
        tally.add(await Round(place, seed, min(left, kills_per_round), workers).run())
        seed += 1
    return tally
