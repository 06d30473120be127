"""Help, wrong usage, and servers that are not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from asha_server.cli import connecting
from asha_server.cli.program import SUBCOMMANDS
from asha_server.cli.program import asha as command

from .conftest import Asha


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_command_has_help_with_an_example(asha: Asha, name: str) -> None:
    said = asha(name, "--help")

    assert said.status == 0
    assert f"asha {name}" in said.out.split("Usage", 1)[1].split("\n", 1)[1], "no example"


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("create",),
        ("create", "-f", "/no/such/file.yaml"),
        ("explain", "digits"),
        ("explain", "digits", "-1"),
        ("trials", "digits", "--state", "sleeping"),
        ("status", "--follow"),
        ("serve", "--listen", "nowhere"),
        ("status", "--server", "nowhere"),
        ("run", "--experiment", "digits"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(asha: Asha, words: tuple[str, ...]) -> None:
    assert asha(*words).status == 2


def test_a_server_that_is_not_there_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "PATIENCE_S", 0.3)
    monkeypatch.setattr(connecting.Server.__init__, "__defaults__", (0.3,))

    result = CliRunner().invoke(command, ["status", "--server", "127.0.0.1:1"])

    assert result.exit_code == 1
    assert "no server answers at 127.0.0.1:1" in result.stderr
    assert "asha serve" in result.stderr


def test_help_does_not_import_grpc() -> None:
    program = (
        "import sys; from asha_server.cli.program import asha\n"
        "try: asha(['--help'])\n"
        "except SystemExit: pass\n"
        "assert 'grpc' not in sys.modules and 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_verify_says_of_a_file_that_is_none_of_ours(asha: Asha, tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database, just words\n" * 100)

    said = asha("verify", str(path))

    assert said.status == 1
    assert "notes.db" in said.err
    assert asha("verify", str(tmp_path / "missing.db")).status in (1, 2)
