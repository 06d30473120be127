"""Drivers: what `client.toml` says of a language, and its running driver."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "clients"
ANSWER_S = 30.0
"""How long a driver may take for one step, in seconds; only a failing one takes so long."""
END_S = 5.0
"""How long a driver may take to end, in seconds: 2 and what a loaded machine needs."""


class DriverFailed(Exception):
    """The driver could not be built, or does not keep to the protocol."""


@dataclass(frozen=True, slots=True)
class Language:
    """One client, as its `client.toml` describes it.

    Attributes:
        name: as shown in tables.
        folder: where its commands run.
        commands: build, test, driver, sample, generate: words, empty if there is none.
        known_failures: why, by case.
        sessions: whether the client has them.
    """

    name: str
    folder: Path
    commands: dict[str, list[str]]
    known_failures: dict[str, str]
    sessions: bool = False

    def command(self, what: str) -> list[str]:
        """A command ready to be run in the folder.

        Raises:
            DriverFailed: client.toml has none, or its program is not on this machine.
        """
        words = [word.replace("{root}", str(ROOT)) for word in self.commands.get(what, [])]
        if not words:
            raise DriverFailed(f"{self.folder}/client.toml says no command `{what}`")
        if words[0] == "python":
            words[0] = sys.executable
        elif "/" in words[0]:
            words[0] = str(self.folder / words[0])
        if shutil.which(words[0]) is None:
            raise DriverFailed(f"{self.name}: there is no program {words[0]} to {what} with")
        return words

    def build(self) -> None:
        """Builds the client, its driver and its sample.

        Raises:
            DriverFailed: it could not be built.
        """
        if not self.commands.get("build"):
            return
        done = subprocess.run(
            self.command("build"),
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DriverFailed(
                f"{self.name}: {self.commands['build']} exited {done.returncode}\n"
                f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
            )


def load_language(name: str, clients: Path = CLIENTS) -> Language:
    """The client in the folder of this name, under the folder of all clients.

    Raises:
        DriverFailed: it has no client.toml, or one that cannot be read.
    """
    path = (clients / name / "client.toml").resolve()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DriverFailed(f"{path}: {error}") from error
    words = ("build", "test", "driver", "sample", "generate")
    return Language(
        name=table.get("name", name),
        folder=path.parent,
        commands={what: table.get(what, []) for what in words},
        known_failures=table.get("known_failures", {}),
        sessions=table.get("sessions", False),
    )


def environment() -> dict[str, str]:
    """The environment of drivers and samples: this checkout's Python client, no server's name."""
    env = {k: v for k, v in os.environ.items() if k not in {"ASHA_SERVER", "ASHA_TOKEN"}}
    places = [str(CLIENTS / "python"), str(ROOT), env.get("PYTHONPATH", "")]
    return env | {"PYTHONPATH": os.pathsep.join(place for place in places if place)}


class DriverProcess:
    """A running driver. One line to it, one line from it."""

    def __init__(self, language: Language) -> None:
        words = language.command("driver")
        self._name = language.name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the driver
        self._log_from = 0
        self._next_id = 1
        self._process = subprocess.Popen(
            words,
            cwd=language.folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    @property
    def is_running(self) -> bool:
        """Whether it can be given another step."""
        return self._process.poll() is None

    def tell(self, step: dict[str, Any]) -> int:
        """Sends a step; its id."""
        number, self._next_id = self._next_id, self._next_id + 1
        line = json.dumps({"id": number, **step}, ensure_ascii=False) + "\n"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError as error:
            raise DriverFailed(f"the driver has ended: {error}\n{self.log_tail()}") from error
        return number

    def hear(self, number: int) -> dict[str, Any]:
        """The answer to the step of this id.

        Raises:
            DriverFailed: there is none, or it is no answer to this step.
        """
        try:
            line = self._lines.get(timeout=ANSWER_S)
        except queue.Empty:
            raise DriverFailed(f"no answer in {ANSWER_S} s\n{self.log_tail()}") from None
        try:
            answer = json.loads(line)
        except ValueError:
            raise DriverFailed(f"no JSON: {line!r}\n{self.log_tail()}") from None
        if (
            not isinstance(answer, dict)
            or answer.get("id") != number
            or ("ok" in answer) == ("error" in answer)
        ):
            raise DriverFailed(f"no answer to step {number}: {line.decode(errors='replace')}")
        return answer

    def begin_case(self) -> None:
        """Forgets what it said on standard error until now."""
        self._log_from = self._log.seek(0, os.SEEK_END)

    def log_tail(self) -> str:
        """The end of what it said on standard error since the case began."""
        self._log.seek(self._log_from)
        return self._log.read().decode(errors="replace")[-4000:]

    def terminate(self) -> None:
        """SIGTERM; returns when it has ended.

        Raises:
            DriverFailed: it did not end.
        """
        self._process.send_signal(signal.SIGTERM)
        self._await_end("SIGTERM")

    def close(self) -> None:
        """Ends its input; returns when it has ended.

        Raises:
            DriverFailed: it did not end, or not with status 0.
        """
        assert self._process.stdin is not None
        if self.is_running:
            self._process.stdin.close()
            self._await_end("the end of its input")
            if self._process.returncode != 0:
                raise DriverFailed(
                    f"{self._name}: exit status {self._process.returncode} at the end of its "
                    f"input\n{self.log_tail()}"
                )

    def kill(self) -> None:
        """Ends it by force, and frees what it held here."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # its last line was never read
            self._process.stdin.close()
        self._reader.join()
        self._process.stdout.close()
        self._log.close()

    def _await_end(self, cause: str) -> None:
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            raise DriverFailed(
                f"{self._name}: still there {END_S} s after {cause}\n{self.log_tail()}"
            ) from None
