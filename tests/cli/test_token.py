"""`asha token`, and what lets a command in."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from asha_server.cli.program import asha as command

from .conftest import Asha, Said


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that wants tokens: its address, and the file of its first one."""
    database = tmp_path_factory.mktemp("locked") / "asha.db"
    with subprocess.Popen(
        [
            sys.executable, "-m", "asha_server.cli", "serve", "--database", str(database),
            "--listen", "127.0.0.1:0", "--auth", "tokens", "--log-level", "WARNING",
        ],
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        yield address, database.with_name("asha.db.admin-token")
        process.terminate()
        assert process.wait() == 0


@pytest.fixture
def admin(locked: tuple[str, Path]) -> Asha:
    """Runs `asha` as the first administrator."""
    address, token = locked

    def run(*words: str, typed: str | None = None, **environment: str) -> Said:
        environment = environment or {"ASHA_TOKEN_FILE": str(token)}
        result = CliRunner().invoke(
            command, words, input=typed, env={"ASHA_SERVER": address, **environment}
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


def test_a_token_has_limits_of_its_own(admin: Asha) -> None:
    words = ("token", "create", "slow", "--role", "worker", "--limit")
    secret = admin(*words, "identity_requests_per_s=1", "--limit", "identity_calls_max=0").out

    assert "requests_per_second=1, max_calls=0" in admin("token", "list").out
    said = [admin("status", ASHA_TOKEN=secret.strip()) for _ in range(2)]
    assert said[0].status == 0
    wrong = admin(*words, "requests_per_s=1")
    assert wrong.status == 2
    assert "unknown limit 'requests_per_s'; did you mean 'identity_requests_per_s'?" in wrong.err
    assert "unknown limit" in admin(*words, "sessions_max=1").err


def test_a_token_is_created_used_listed_and_revoked(admin: Asha, small: Path) -> None:
    secret = admin("token", "create", "ci", "--role", "worker", "--experiment", "ci-*").out.strip()

    assert admin("create", "-f", str(small), "--id", "ci-1").status == 0
    assert admin("create", "-f", str(small), "--id", "other").status == 0
    assert "ci-1" in (status := admin("status", ASHA_TOKEN=secret)).out
    assert "other" not in status.out
    denied = admin("stop", "ci-1", "--yes", ASHA_TOKEN=secret)
    assert denied.status == 1
    assert "SCOPE_MISSING" in denied.err
    rows = [line.split("  ") for line in admin("token", "list").out.splitlines()]
    assert ["ci", "worker", "ci-*", "holds"] in [[c.strip() for c in row if c] for row in rows]
    assert admin("token", "revoke", "ci", "--yes").out == "ci: revoked\n"
    assert "TOKEN_INVALID" in admin("status", ASHA_TOKEN=secret).err
    assert "revoked" in admin("token", "list").out


def test_a_secret_can_go_into_a_file_that_nobody_else_reads(admin: Asha, tmp_path: Path) -> None:
    file = tmp_path / "reader.token"

    said = admin(
        "token", "create", "reader", "--role", "read", "-o", str(file), "--expires-in", "1d"
    )

    assert said.out == f"reader: its secret is in {file}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert admin("status", "--token-file", str(file), ASHA_TOKEN="wrong").status == 0
    (fact,) = [f for f in admin("token", "list", "--json").facts if f["name"] == "reader"]
    assert fact["expire_time"]
    assert "secret" not in fact


def test_a_command_without_a_token_says_how_to_give_one(locked: tuple[str, Path]) -> None:
    result = CliRunner().invoke(command, ["status"], env={"ASHA_SERVER": locked[0]})

    assert result.exit_code == 1
    assert "TOKEN_MISSING" in result.stderr
    assert "ASHA_TOKEN_FILE" in result.stderr


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_token_file_without_a_token_is_refused(
    admin: Asha, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)

    said = admin("status", "--token-file", str(file))

    assert said.status == 1
    assert str(file) in said.err


def test_a_program_is_trained_under_a_token(admin: Asha, small: Path) -> None:
    admin("create", "-f", str(small), "--id", "run", "--set", "max_trials=1")
    secret = admin("token", "create", "runner", "--role", "worker").out.strip()
    line = (
        "import json\nfor n in range(1, 10): print(json.dumps(dict(step=n, loss=1.0)), flush=True)"
    )

    said = admin("run", "-e", "run", "--", sys.executable, "-c", line, ASHA_TOKEN=secret)

    assert said.status == 0, said.err
    assert admin("status", "run", "--json").facts[0]["state"] == "EXPERIMENT_STATE_COMPLETED"
