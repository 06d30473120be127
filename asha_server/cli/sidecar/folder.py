"""The shared folder: who writes what where.

A file that the sidecar writes has its name once it is whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from asha_server.cli.refusal import Refusal
from asha_server.cli.sidecar import forms

if sys.platform != "win32":
    import fcntl

PROBLEMS_MAX = 100
"""Lines of `problems.txt` for one trial; then it says that there are more."""
_EXIT = re.compile(r"\s*(\d{1,3})(?:[ \t]+([^\n]*))?\n")
_FORMER_KEPT = 1
"""Folders of former trials that are kept: a trainer that is late may still write there."""


@dataclass(frozen=True, slots=True)
class Exit:
    """What a trainer said of its end.

    Attributes:
        code: the exit status, 0 to 255; None: it wrote something else.
        message: what it said beside it; of a wrong file, what is wrong.
    """

    code: int | None
    message: str


@dataclass(frozen=True, slots=True)
class State:
    """What a sidecar must know after a restart.

    Attributes:
        worker_id: the worker's name.
        assignment: the trial in hand, as protobuf's JSON form; None without one.
        answered_lines: lines of its metrics that are dealt with.
        last_line: digest of the last of them; empty without one.
        has_seen_trainer: whether a trainer was seen alive by its lock or process id.
    """

    worker_id: str
    assignment: dict[str, object] | None = None
    answered_lines: int = 0
    last_line: str = ""
    has_seen_trainer: bool = False


class TrialFolder:
    """The folder of one attempt at a trial.

    Args:
        path: of the folder.
        mode: permissions of the files in it.
    """

    def __init__(self, path: Path, mode: int) -> None:
        self.path = path
        self._mode = mode
        self._problems = 0

    @property
    def metrics(self) -> Path:
        """Where the trainer appends its metrics."""
        return self.path / forms.METRICS

    def write_trial(self, form: forms.TrialForm, environment: Mapping[str, str]) -> None:
        """Writes what is to be trained, in its three forms."""
        lines = [f"export {name}={_quoted(value)}" for name, value in environment.items()]
        self._write(forms.ENVIRONMENT, "\n".join(lines) + "\n")
        self._write(forms.PARAMETERS, _json(form.parameters))
        self._write(form.name, _json(forms.content(form)))

    def write_verdict(self, form: forms.VerdictForm) -> None:
        """Writes a decision; one to leave off also as the file that a shell can look for."""
        self._write(form.name, _json(forms.content(form)))
        if form.should_stop:
            self._write(forms.STOP, f"{form.verdict} {form.reason}\n")

    def read_exit(self) -> Exit | None:
        """What the trainer said of its end; None while it has not, or not all of it."""
        try:
            text = (self.path / forms.EXIT_STATUS).read_text(errors="replace")
        except OSError:
            return None
        if not text.endswith("\n"):
            return None
        found = _EXIT.match(text)
        if found is None or int(found[1]) > 255:
            shown = text.splitlines()[0][:80]
            return Exit(None, f"{forms.EXIT_STATUS} holds {shown!r}, not an exit status from 0")
        return Exit(int(found[1]), (found[2] or "").strip())

    def note_problem(self, text: str) -> bool:
        """Tells the trainer's author what is wrong; whether there was room for it."""
        self._problems += 1
        if self._problems > PROBLEMS_MAX + 1:
            return False
        if self._problems == PROBLEMS_MAX + 1:
            text = "and more, which are not written here"
        path = self.path / forms.PROBLEMS
        with _opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, self._mode) as descriptor:
            os.write(descriptor, f"{text}\n".encode())
        return True

    def _write(self, name: str, text: str) -> None:
        write_whole(self.path / name, text, self._mode)


class SharedFolder:
    """The folder between sidecar and trainer.

    Args:
        path: of the folder; made if it is not there.
        mode: permissions of the files in it; folders can be entered by who may read.
    """

    def __init__(self, path: Path, mode: int) -> None:
        self.path = path
        self._mode = mode
        self._folder_mode = mode | (mode & 0o444) >> 2
        self._lock = -1

    def prepare(self) -> None:
        """Makes the folder this sidecar's.

        Raises:
            Refusal: it cannot be written, or another sidecar has it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._take()
            self._make(self.path / forms.TRIALS)
            for name in (forms.HEARTBEAT, forms.LOCK):
                with _opened(self.path / name, os.O_WRONLY | os.O_CREAT, self._mode):
                    pass
            wrapper = Path(__file__).with_name(forms.WRAPPER).read_text(encoding="utf-8")
            write_whole(self.path / forms.WRAPPER, wrapper, self._mode)
            (self.path / forms.FinishedForm.name).unlink(missing_ok=True)
        except OSError as error:
            raise Refusal(f"--folder {self.path} cannot be used: {error}") from error

    def _take(self) -> None:
        """Locks the folder for as long as this process lives."""
        path = self.path / f"{forms.STATE}.lock"
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refusal(f"another sidecar has {self.path}; give each its own --folder") from error

    def load_state(self, experiment_id: str) -> State | None:
        """What a former sidecar left for this one; of another experiment its name alone.

        Raises:
            Refusal: the file is none of ours.
        """
        path = self.path / forms.STATE
        try:
            state = State(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise Refusal(
                f"{path} cannot be read ({error}); remove it, and the trial is resumed from its "
                "last checkpoint"
            ) from error
        if state.assignment and state.assignment.get("experiment_id") != experiment_id:
            return State(state.worker_id)
        return state

    def save_state(self, state: State) -> None:
        """Keeps what the next sidecar must know; readable by its owner alone."""
        write_whole(self.path / forms.STATE, _json(asdict(state)), 0o600)

    def trial_folder(self, trial_number: int, attempt: int) -> TrialFolder:
        """The folder of an attempt, made if it is not there; those of long ago are removed."""
        path = self.path / forms.TRIALS / f"{trial_number}-{attempt}"
        others = [other for other in (self.path / forms.TRIALS).iterdir() if other != path]
        for old in sorted(others, key=_made_at)[: -_FORMER_KEPT or None]:
            shutil.rmtree(old, ignore_errors=True)
        self._make(path)
        with _opened(path / forms.METRICS, os.O_WRONLY | os.O_CREAT, self._mode):
            pass
        return TrialFolder(path, self._mode)

    def show(self, folder: TrialFolder) -> None:
        """Makes an attempt the current one."""
        link = self.path / f".{forms.CURRENT}.partial"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(forms.TRIALS, folder.path.name))
        link.replace(self.path / forms.CURRENT)

    def hide(self) -> None:
        """There is no current attempt any more."""
        (self.path / forms.CURRENT).unlink(missing_ok=True)

    def finish(self, form: forms.FinishedForm) -> None:
        """Says that there are no more trials."""
        write_whole(self.path / form.name, _json(forms.content(form)), self._mode)

    def _make(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        is_setgid = path.stat().st_mode & stat.S_ISGID  # of an fsGroup, whose group it has
        path.chmod(self._folder_mode | is_setgid)


def write_whole(path: Path, text: str, mode: int) -> None:
    """Writes a file that has its name once its content is there."""
    partial = path.with_name(f".{path.name}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with (
        _opened(partial, flags, mode) as descriptor,
        os.fdopen(descriptor, "wb", -1, closefd=False) as file,
    ):
        file.write(text.encode())
    partial.replace(path)


@contextlib.contextmanager
def _opened(path: Path, flags: int, mode: int) -> Iterator[int]:
    """An open file of these permissions, as its descriptor."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    try:
        with contextlib.suppress(PermissionError):  # another's file, which is as it is
            os.fchmod(descriptor, mode)
        yield descriptor
    finally:
        os.close(descriptor)


def _made_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _quoted(text: str) -> str:
    """A text as one word of a shell's, whatever it holds."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _json(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
