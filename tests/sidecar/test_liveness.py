"""Whether a trainer lives, by a clock that a test moves."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from asha_server.cli.sidecar.liveness import Life, Liveness, find_process


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A trainer's files, and what is known of it.

    Args:
        folder: of the files.
        shares_processes: whether its process id is looked at.
    """

    def __init__(self, folder: Path, shares_processes: bool = False) -> None:
        self.folder = folder
        self._clock = Clock()
        for name in ("heartbeat", "trainer.lock"):
            (folder / name).touch()
        self.liveness = Liveness(folder, 10.0, 600.0, shares_processes, self._clock)
        self.liveness.begin()

    def after(self, seconds: float) -> Life:
        """What is known so many seconds later."""
        self._clock.now += seconds
        return self.liveness.look()

    def touch(self) -> None:
        stat = (self.folder / "heartbeat").stat()
        os.utime(self.folder / "heartbeat", ns=(0, stat.st_mtime_ns + 1))


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
def lock(watched: Watched) -> Iterator[int]:
    """The trainer's lock, held; an open file of its own counts as another process."""
    descriptor = os.open(watched.folder / "trainer.lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield descriptor
    os.close(descriptor)


def test_silence_is_hung_at_its_limit_and_not_before(watched: Watched) -> None:
    assert watched.after(599.9) is Life.ALIVE
    assert watched.after(0.1) is Life.HUNG


def test_a_word_and_a_touch_begin_the_silence_anew(watched: Watched) -> None:
    watched.after(500)
    watched.liveness.note_word()
    assert watched.after(599) is Life.ALIVE
    watched.touch()
    assert watched.after(0) is Life.ALIVE
    assert watched.after(599) is Life.ALIVE
    assert watched.after(1) is Life.HUNG


def test_a_lock_is_no_word(watched: Watched, lock: int) -> None:
    assert watched.after(600) is Life.HUNG


def test_a_lock_that_was_never_seen_says_nothing(watched: Watched) -> None:
    assert watched.after(11) is Life.ALIVE
    assert not watched.liveness.has_seen_trainer


def test_who_was_seen_and_is_gone_for_long_is_dead(watched: Watched, lock: int) -> None:
    assert watched.after(1) is Life.ALIVE
    assert watched.liveness.has_seen_trainer
    fcntl.flock(lock, fcntl.LOCK_UN)
    assert watched.after(1) is Life.ALIVE  # on its way to say how it ended
    assert watched.after(9.9) is Life.ALIVE
    assert watched.after(0.1) is Life.DEAD


def test_who_comes_back_in_time_is_not_dead(watched: Watched, lock: int) -> None:
    watched.after(1)
    fcntl.flock(lock, fcntl.LOCK_UN)
    watched.after(1)
    watched.after(9)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert watched.after(1) is Life.ALIVE
    fcntl.flock(lock, fcntl.LOCK_UN)
    watched.after(1)
    assert watched.after(9) is Life.ALIVE


def test_one_that_a_former_sidecar_saw_is_missed_from_the_first_look(watched: Watched) -> None:
    watched.liveness.begin(has_seen_trainer=True)
    assert watched.after(0) is Life.ALIVE
    assert watched.after(10) is Life.DEAD


def test_a_lock_that_was_held_all_the_time_is_no_return(watched: Watched, lock: int) -> None:
    watched.liveness.give_up()
    assert not watched.liveness.has_returned()
    fcntl.flock(lock, fcntl.LOCK_UN)
    assert not watched.liveness.has_returned()
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert watched.liveness.has_returned()


def test_a_touch_is_a_return(watched: Watched) -> None:
    watched.liveness.give_up()
    watched.touch()
    assert watched.liveness.has_returned()


def test_our_look_at_the_lock_does_not_take_it(watched: Watched) -> None:
    watched.after(1)
    with (watched.folder / "trainer.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_process_is_told_from_a_dead_one_that_nobody_has_reaped(tmp_path: Path) -> None:
    watched = Watched(tmp_path, shares_processes=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (tmp_path / "trainer.pid").write_text(f"{process.pid}\n")
        assert watched.after(1) is Life.ALIVE
        assert watched.liveness.has_seen_trainer
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie
        watched.after(1)
        assert watched.after(10) is Life.DEAD


def test_what_is_no_process_id_is_none(tmp_path: Path) -> None:
    watched = Watched(tmp_path, shares_processes=True)
    for text in ("", "soon", "0", "-1", "99999999"):
        (tmp_path / "trainer.pid").write_text(text)
        watched.after(1)
    assert not watched.liveness.has_seen_trainer
    found = find_process(os.getpid())
    assert found is not None
    assert found[0] == os.getpid()
