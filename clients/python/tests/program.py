"""Real worker processes: a program's text, run by this interpreter against a scripted server."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from types import TracebackType
from typing import IO, Self

from .scripted_server import PATIENCE_S, ScriptedServer

PREAMBLE = """
import os, sys
import asha_client as asha

def say(*words):
    print(*words, flush=True)

def listen():
    sys.stdin.readline()

def connect(**settings):
    return asha.connect(max_backoff=0.01, **settings).experiment("digits")
"""


class Program:
    """A running program, with `say` and `listen` for its talk with the test, and `connect`.

    Args:
        server: its ASHA_SERVER.
        text: what it does.
        arguments: its sys.argv from 1 on.
    """

    def __init__(self, server: ScriptedServer, text: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + textwrap.dedent(text), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"ASHA_SERVER": server.address},
        )

    @property
    def stdin(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def tell(self) -> None:
        """Lets one `listen()` of the program return."""
        self.stdin.write("\n")
        self.stdin.flush()

    def hear(self, words: str) -> None:
        """Waits until the program says these words, and nothing else before."""
        heard = self.line()
        assert heard == words, self.process.stderr and self.process.stderr.read()

    def line(self) -> str:
        """The next line that it says; empty at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def send(self, number: int) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Waits for its end: exit status (negative: the signal), the rest of what it said."""
        output, complaints = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output, complaints

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
