"""The two servers of the cases: a real one, and one that misbehaves as the case says."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from asha_client.pb.suggestion_service_pb2 import PushedDecision
from google.protobuf import json_format

from clients.python.tests.scripted_answers import Answer, Carried, Late, Refusal, Silence
from clients.python.tests.scripted_server import ScriptedServer

from .driver_process import environment
from .wire_methods import SHORT_NAMES, response_of

START_S = 60.0
"""How long a server may take to listen, in seconds; only a failing one takes so long."""


class RealServer:
    """`asha serve` on a fresh database, always on the same port. A context manager.

    Args:
        wants_tokens: whether each call needs an access token.

    Attributes:
        address: where it listens.
        database: its file.
    """

    def __init__(self, *, wants_tokens: bool = False) -> None:
        self._auth = "tokens" if wants_tokens else "none"
        self._folder = Path(tempfile.mkdtemp(prefix="asha-conformance-"))
        self.database = self._folder / "asha.db"
        self.address = "127.0.0.1:0"
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Starts it and returns once it can be called."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "asha_server.cli", "serve", "--log-level", "WARNING"),
                    *("--database", str(self.database), "--listen", self.address),
                    *("--auth", self._auth),
                ],
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        watchdog = threading.Timer(START_S, self._process.kill)
        watchdog.start()
        line = self._process.stdout.readline()
        watchdog.cancel()
        if not line.startswith("listening on "):
            raise RuntimeError(f"the server does not listen: {line!r}\n{self.log_tail()}")
        self.address = line.split()[-1]

    def admin_token(self) -> str:
        """The token for everything that it made at its first start; empty if it wants none."""
        path = self.database.with_name(f"{self.database.name}.admin-token")
        return path.read_text().strip() if self._auth == "tokens" else ""

    def kill(self) -> None:
        """SIGKILL, now."""
        self._end(signal.SIGKILL)

    def verify(self) -> None:
        """Stops it and has `asha verify` check its file.

        Raises:
            RuntimeError: the file is not in order.
        """
        self._end(signal.SIGTERM)
        done = subprocess.run(
            [sys.executable, "-m", "asha_server.cli", "verify", str(self.database)],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"asha verify: {done.stdout}\n{done.stderr}")

    def log_tail(self) -> str:
        """The end of its log."""
        return (self._folder / "server.log").read_text(errors="replace")[-2000:]

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None:
            process.send_signal(number)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)


class Misbehaving:
    """A server that answers by a script, behind a line that can be cut. A context manager.

    Args:
        script: answers by method, in order; see `answer_of`. `{"always": ANSWER}` is the method's
            standing answer; without one it is that of ScriptedServer. Calls over a session take the
            answers of their methods; its streams take those of `TrainingSession`.
        transport: `tcp`, `unix` or `tls`.

    Attributes:
        server: what came, and what answers.
        address: where drivers connect.
    """

    def __init__(self, script: Mapping[str, list[Any]], transport: str = "tcp") -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="asha-conformance-"))
        self._line: Line | None = None
        self.certificates: Certificates | None = None
        if transport == "unix":
            self.server = ScriptedServer(f"unix:{self._folder}/server.sock", sessions=True)
            self.address = self.server.address
        elif transport in {"tls", "mutual_tls"}:
            self.certificates = Certificates(self._folder)
            needs_client = transport == "mutual_tls"
            credentials = self.certificates.server_credentials(needs_client=needs_client)
            self.server = ScriptedServer(credentials=credentials, sessions=True)
            self.address = f"localhost:{self.server.port}"
        else:
            self.server = ScriptedServer(sessions=True)
            self._line = Line(self.server.port)
            self.address = self._line.address
        for method, answers in script.items():
            full_name = SHORT_NAMES.get(method, method)
            once = [answer for one in answers for answer in self._repeated(full_name, one)]
            for answer in answers:
                if "always" in answer:
                    self.server.always(
                        method, _always(self._answer_of(full_name, answer["always"]))
                    )
            self.server.script(method, *once)

    def _repeated(self, method: str, answer: Mapping[str, Any]) -> list[Answer]:
        if "always" in answer:
            return []
        return [self._answer_of(method, answer)] * answer.get("times", 1)

    def _answer_of(self, method: str, answer: Mapping[str, Any]) -> Answer:
        """An answer of a case.

        `answer` (protobuf JSON), `wire` (bytes in hexadecimal), `refuse` (fields of Refusal),
        `silence`, or `cut` (the line is reset); `after_s` delays the first three. Of
        TrainingSession: `carried`, `refuse` or `silence`.
        """
        if "carried" in answer:
            return Carried()
        if "silence" in answer:
            return Silence()
        if "cut" in answer:
            return Silence(self.cut)
        if "refuse" in answer:
            fields = answer["refuse"]
            violations = tuple((f, d) for f, d in fields.get("violations", ()))
            given: Refusal | Any = Refusal(**{**fields, "violations": violations})
        elif "wire" in answer:
            given = bytes.fromhex(answer["wire"])
        else:
            given = response_of(method, answer["answer"])
        return Late(given, answer["after_s"]) if "after_s" in answer else given

    def push(self, decision: Mapping[str, Any]) -> None:
        """Sends a PushedDecision (protobuf JSON) on every open session; there must be one."""
        assert self.server.sessions is not None
        self.server.sessions.push(json_format.ParseDict(dict(decision), PushedDecision()))

    def cut(self) -> None:
        """Resets every connection as it stands."""
        assert self._line is not None, "only the TCP line can be cut"
        self._line.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._line is not None:
            self._line.close()
        self.server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _always(answer: Answer) -> Callable[[Any], Answer]:
    """A standing answer, whatever the request."""
    return lambda _: answer


class Line:
    """A TCP line to a port of this machine, which can be cut: every connection is reset."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Resets every connection."""
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RD)  # wakes its thread, which holds the socket open
            end.close()

    def close(self) -> None:
        """Cuts, and accepts no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            with self._lock:
                self._ends |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


class Certificates:
    """A certificate authority, a server's and a client's certificate, and another authority.

    Made by the openssl command, valid for a day.

    Args:
        folder: where the PEM files lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for authority in ("authority", "stranger"):
            self._openssl(
                *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
                *("-days", "1", "-subj", f"/CN={authority}"),
                *("-keyout", f"{authority}.key", "-out", f"{authority}.pem"),
            )
        for holder in ("server", "client"):
            (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            self._openssl(
                *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
                *("-subj", f"/CN={holder}", "-keyout", f"{holder}.key", "-out", f"{holder}.csr"),
            )
            self._openssl(
                *("x509", "-req", "-days", "1", "-in", f"{holder}.csr", "-extfile", "names"),
                *("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"),
                *("-out", f"{holder}.pem"),
            )

    def path(self, name: str) -> str:
        """The path of `authority.pem`, `stranger.pem`, `client.pem` or `client.key`."""
        return str(self._folder / name)

    def server_credentials(self, *, needs_client: bool) -> grpc.ServerCredentials:
        """The server's certificate; with needs_client it wants one of the authority's."""
        key, chain, authority = (
            (self._folder / name).read_bytes()
            for name in ("server.key", "server.pem", "authority.pem")
        )
        return grpc.ssl_server_credentials(
            [(key, chain)], authority if needs_client else None, require_client_auth=needs_client
        )

    def _openssl(self, *words: str) -> None:
        subprocess.run(
            ["openssl", *words], cwd=self._folder, check=True, capture_output=True, text=True
        )
