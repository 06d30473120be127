"""The socket form: the server's calls on a Unix socket, for the one worker behind it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import grpc
from asha_client import AshaError
from asha_client.aio.connection import AsyncConnection
from asha_client.flow import FAIL_TRIAL, RELEASE_TRIAL, Method, RequestT, ResponseT, call
from asha_client.pb import experiment_pb2
from asha_client.pb import suggestion_service_pb2 as pb

from asha_server.cli.refusal import Refusal
from asha_server.cli.run.announcer import Announcer
from asha_server.cli.run.conclusion import LAST_WORDS_S
from asha_server.cli.run.training import TICK_S
from asha_server.cli.run.wishes import Wishes
from asha_server.cli.sidecar.gate import Gate, Held
from asha_server.cli.sidecar.liveness import Life, Liveness
from asha_server.cli.sidecar.proxy import MESSAGE_BYTES_MAX, Proxy
from asha_server.config import Transport
from asha_server.transport import Listener, TransportError

PATH_BYTES_MAX = 107
"""Of a socket's path: what the kernel has room for."""


@dataclass(frozen=True, slots=True)
class Socket:
    """Where and how long it is served.

    Attributes:
        path: of the socket's file, at most `PATH_BYTES_MAX` long.
        mode: its permissions.
        grace_s: how long the trainer may go on once the sidecar must end, in seconds.
        linger_s: how long to serve on after the trainer heard that the search is finished, from
            its last call, in seconds.
    """

    path: Path
    mode: int
    grace_s: float
    linger_s: float


class SocketService:
    """Serves one worker on a Unix socket.

    Args:
        experiment_id: whose trials.
        worker_id: the worker's name.
        connection: to the server, with the token.
        place: where it is served.
        liveness: knows whether the trainer lives.
        announcer: hears what happens.
        wishes: of the user.
    """

    def __init__(
        self,
        experiment_id: str,
        worker_id: str,
        connection: AsyncConnection,
        place: Socket,
        liveness: Liveness,
        announcer: Announcer,
        wishes: Wishes,
    ) -> None:
        self._experiment_id = experiment_id
        self._worker_id = worker_id
        self._connection = connection
        self._place = place
        self._liveness = liveness
        self._announcer = announcer
        self._wishes = wishes
        self._gate = Gate(experiment_id, worker_id)
        self._words = 0
        self._followed: set[str] = set()

    async def run(self) -> int:
        """Serves until the trainer heard that the search is finished, or a signal comes.

        Returns:
            The exit status: 0 the search is finished, 1 it failed, 128 + number of the signal that
            ended this.

        Raises:
            Refusal: the socket cannot be made.
        """
        proxy = Proxy(self._connection.open(), self._connection.target.metadata, self._gate)
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", MESSAGE_BYTES_MAX)])
        proxy.serve(server)
        address = f"unix:{self._place.path}"
        try:
            self._place.path.parent.mkdir(parents=True, exist_ok=True)
            Listener([server], Transport(socket_mode=self._place.mode)).bind(address)
        except (TransportError, RuntimeError, OSError) as error:
            raise Refusal(f"--socket {self._place.path} cannot be used: {error}") from error
        await server.start()
        self._announcer.fact(
            "listening",
            f"asha sidecar: listening on {address} as worker {self._worker_id}",
            address=address,
            worker_id=self._worker_id,
        )
        try:
            await self._watch(proxy)
        finally:
            await server.stop(LAST_WORDS_S if self._wishes.leave.is_set() else 0)
            self._place.path.unlink(missing_ok=True)
        if self._wishes.signal is not None:
            return 128 + self._wishes.signal
        state = experiment_pb2.ExperimentState.Name(self._gate.end_state)
        name = state.removeprefix("EXPERIMENT_STATE_")
        self._announcer.finished(
            self._experiment_id, name, f"experiment {self._experiment_id} is {name}"
        )
        return 1 if name == "FAILED" else 0

    async def _watch(self, proxy: Proxy) -> None:
        """Looks at the trainer again and again until there is nothing left to serve."""
        loop = asyncio.get_running_loop()
        busy_at = loop.time()
        leave_at: float | None = None
        while True:
            life = self._look()
            if self._gate.held and life is not Life.ALIVE:
                await self._give_up(life)
            if self._wishes.leave.is_set():
                if leave_at is None:
                    leave_at = loop.time() + self._place.grace_s
                    self._gate.is_leaving = True
                hurry = self._wishes.hurry.is_set() or loop.time() >= leave_at
                if hurry or not self._gate.held:
                    await self._give_up(None)
                    return
            if proxy.open_calls:
                busy_at = loop.time()
            is_quiet = life is Life.DEAD or loop.time() - busy_at >= self._place.linger_s
            if self._gate.end_state and is_quiet:
                return
            await asyncio.sleep(TICK_S)

    def _look(self) -> Life:
        """What is known of the trainer; a trial taken or taken over begins its silence anew."""
        tokens = {held.token for held in self._gate.held.values()}
        if not tokens <= self._followed:
            self._liveness.begin(self._liveness.has_seen_trainer)
        self._followed = tokens
        if self._gate.word_count != self._words:
            self._words = self._gate.word_count
            self._liveness.note_word()
        return self._liveness.look()

    async def _give_up(self, life: Life | None) -> None:
        """Lets go of what is held, and forwards no more heartbeats for it.

        Args:
            life: why; None = this sidecar must end.
        """
        for held in self._gate.give_up():
            if life is Life.DEAD:
                failing = self._failing(held)
                await self._end(
                    FAIL_TRIAL, failing, f"failed: {failing.message}", held.trial_number
                )
                continue
            reason = "asha sidecar was told to end"
            if life is Life.HUNG:
                silent_s = self._liveness.silent_s
                reason = f"the trainer hangs: no call and no touch for {silent_s:.0f} s"
            releasing = pb.ReleaseTrialRequest(
                experiment_id=self._experiment_id,
                trial_number=held.trial_number,
                lease_token=held.token,
                reason=reason,
            )
            await self._end(RELEASE_TRIAL, releasing, f"released: {reason}", held.trial_number)

    def _failing(self, held: Held) -> pb.FailTrialRequest:
        return pb.FailTrialRequest(
            experiment_id=self._experiment_id,
            trial_number=held.trial_number,
            lease_token=held.token,
            kind=pb.FAILURE_KIND_RETRYABLE,
            message="the trainer died (out of memory?)",
        )

    async def _end(
        self, method: Method[RequestT, ResponseT], request: RequestT, text: str, trial_number: int
    ) -> None:
        """Ends an attempt with one call; if that fails, its lease expires."""
        flow = call(method, request, deadline_s=LAST_WORDS_S, retry_for_s=LAST_WORDS_S)
        try:
            await self._connection.run(flow)
        except AshaError as error:
            text = f"{text}; the server did not take it ({error})"
        self._announcer.fact(
            "trial_ended",
            f"[trial {trial_number}] {text}",
            trial_number=trial_number,
            outcome=text.partition(":")[0],
            message=text,
        )
