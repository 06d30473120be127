"""`asha backup`: a whole copy of a file, also of one that a server writes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from asha_server.cli import backup
from asha_server.store.sqlite import SqliteStore
from asha_server.verify import verify_file

from .conftest import Asha, Worker
from .test_restart import end, serve


@pytest.fixture(autouse=True)
def steps_back(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has an entry for each time that the command would have slowed down this process."""
    times: list[str] = []
    monkeypatch.setattr(backup, "give_way", lambda: times.append("gives way"))
    return times


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file of a stopped server, without experiments."""
    path = tmp_path / "asha.db"
    store = SqliteStore(path)
    store.acquire()
    store.close()
    return path


@pytest.fixture
def served(tmp_path: Path, small: Path, asha: Asha) -> Iterator[tuple[Path, str]]:
    """The file of a server with experiment `busy`, and its address."""
    process, address = serve(tmp_path / "served.db", "127.0.0.1:0")
    words = ("--id", "busy", "--set", "max_trials=100000", "--server", address)
    assert asha("create", "-f", str(small), *words).status == 0
    yield tmp_path / "served.db", address
    end(process)


def test_a_copy_made_under_load_is_whole_and_holds_all_that_was_answered(
    served: tuple[Path, str], asha: Asha, tmp_path: Path
) -> None:
    """Four workers report all the while; each of ten copies has what was answered before it."""
    path, address = served
    is_over = threading.Event()
    answered = [0] * 4

    def train(index: int) -> None:
        with grpc.insecure_channel(address) as channel:
            worker = Worker(channel, "busy")
            for number in itertools.count():
                if is_over.is_set():
                    return
                given = worker.take(f"w{index}")
                decision = worker.report(given, given.next_decision_step, 1 + number)
                answered[index] = max(decision.sequence, answered[index])

    threads = [threading.Thread(target=train, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    try:
        while min(answered) < 50:
            is_over.wait(0.01)
        counts = []
        for number in range(10):
            least, copy = max(answered), tmp_path / f"copy-{number}.db"
            assert asha("backup", str(path), str(copy)).status == 0
            verification = verify_file(copy)
            assert verification.ok, verification
            counts.append(verification.experiments[0].event_count)
            assert least <= counts[-1]
    finally:
        is_over.set()
        for thread in threads:
            thread.join()

    assert counts == sorted(counts)
    assert counts[0] < counts[-1]  # the workers went on meanwhile


def test_a_copy_is_served_in_the_place_of_its_origin(
    served: tuple[Path, str], asha: Asha, tmp_path: Path
) -> None:
    """The search goes on at the copy; whoever trained for the origin has no lease there."""
    path, address = served
    with grpc.insecure_channel(address) as channel:
        given = Worker(channel, "busy").take()
    copy = tmp_path / "copy.db"
    said = asha("backup", str(path), str(copy))
    assert said == (0, f"{copy}: {copy.stat().st_size:,} bytes\n", "")

    process, restored = serve(copy, "127.0.0.1:0")
    try:
        with grpc.insecure_channel(restored) as channel:
            with pytest.raises(grpc.RpcError, match="is lost"):
                Worker(channel, "busy").report(given, 1, 0.5)
            again = Worker(channel, "busy").take()
    finally:
        end(process)

    assert again.trial_number == given.trial_number
    assert verify_file(copy).ok


def test_the_server_goes_first(
    database: Path, asha: Asha, tmp_path: Path, steps_back: list[str]
) -> None:
    assert asha("backup", str(database), str(tmp_path / "copy.db")).status == 0
    assert steps_back == ["gives way"]


def test_what_is_there_is_replaced_only_when_asked(
    database: Path, asha: Asha, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(b"another file")

    refused = asha("backup", str(database), str(copy))
    assert refused.status == 1
    assert "is there already: choose another name, or replace it: --overwrite" in refused.err
    assert copy.read_bytes() == b"another file"

    assert asha("backup", str(database), str(copy), "--overwrite").status == 0
    assert verify_file(copy).ok


def test_a_database_that_is_open_is_never_replaced(
    database: Path, served: tuple[Path, str], asha: Asha
) -> None:
    path, _ = served

    onto_itself = asha("backup", str(path), str(path), "--overwrite")
    onto_another = asha("backup", str(database), str(path), "--overwrite")

    assert (onto_itself.status, onto_another.status) == (1, 1)
    assert "choose another name" in onto_itself.err
    assert "is open, or was not closed" in onto_another.err
    assert asha("verify", str(path)).status == 0


def test_a_copy_that_cannot_be_written_leaves_nothing(
    database: Path, asha: Asha, tmp_path: Path
) -> None:
    said = asha("backup", str(database), str(tmp_path / "nowhere" / "copy.db"))

    assert said.status == 1
    assert "cannot be" in said.err
    assert not (tmp_path / "nowhere").exists()


def test_what_is_no_database_is_refused(asha: Asha, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all\n" * 100)

    said = asha("backup", str(tmp_path / "notes.txt"), str(tmp_path / "copy.db"))

    assert said.status == 1
    assert "not an ASHA database" in said.err
    assert not (tmp_path / "copy.db").exists()
