"""One server a file, on a disk that can be relied on: who is refused, who stands by."""

from __future__ import annotations

import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from asha_server.store import StoreError, lock
from asha_server.store.sqlite import SqliteStore

from .served import Reporter, Served


@pytest.fixture
async def second(served: Served) -> AsyncIterator[Served]:
    """Another server on the same file; not started yet."""
    second = Served(served.database, {})
    yield second
    await second.close()


async def test_a_second_server_is_refused_and_told_who_holds_the_file(
    served: Served, second: Served
) -> None:
    await served.start()

    assert await second.start() == ""
    status, words = await second.ended()

    assert status == 1
    assert f"is served by another server (pid {served.pid} on {socket.gethostname()})" in words
    assert "--wait-for-lock" in words


async def test_a_standby_takes_over_from_a_killed_server(
    served: Served, reporter: Reporter, second: Served
) -> None:
    """At the former one's address, since it listens only once it has the file."""
    second.address = served.address
    starting = await second.spawn("--wait-for-lock")
    await second.logged("standing_by")

    served.send(signal.SIGKILL)

    assert (await starting).startswith("listening on ")
    await reporter.report()
    assert await reporter.find_lost() == []


async def test_a_standby_can_be_stopped(served: Served, second: Served) -> None:
    await served.start()
    starting = await second.spawn("--wait-for-lock")
    await second.logged("standing_by")

    second.send(signal.SIGTERM)

    assert await starting == ""
    assert (await second.ended())[0] == 0
    await served.client.create()


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:44 / /home rw,relatime shared:5 - nfs4 server:/home rw,vers=4.2
31 30 0:45 / /home/ada/local\\040disk rw - xfs /dev/vdb rw
32 22 0:46 / /scratch rw - lustre mds@tcp:/scratch rw
33 22 0:47 / /bucket rw,nosuid - fuse.s3fs s3fs rw
"""


@pytest.mark.parametrize(
    ("directory", "kind"),
    [
        ("/home/ada", "nfs4"),
        ("/home/ada/local disk/searches", "xfs"),
        ("/homestead", "ext4"),
        ("/scratch", "lustre"),
        ("/bucket/a", "fuse.s3fs"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directory: str, kind: str
) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(lock, "MOUNTS", tmp_path / "mountinfo")

    assert lock.file_system_of(Path(directory)) == kind


def test_a_network_file_system_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mountinfo").write_text(f"30 22 0:44 / {tmp_path} rw - nfs4 server:/home rw\n")
    monkeypatch.setattr(lock, "MOUNTS", tmp_path / "mountinfo")

    with pytest.raises(StoreError, match=rf"\(nfs4\).*local disk.*--backup-to {tmp_path}"):
        SqliteStore(tmp_path / "asha.db")
    assert not (tmp_path / "asha.db").exists()
