"""Where a server's settings come from, and what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from asha_server.cli.program import asha


def serve(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(asha, ["serve", *words], env=environment)


def shown(*words: str, **environment: str) -> dict[str, tuple[Any, str]]:
    """Setting -> its value and its source; those that are not set are left out."""
    result = serve(*words, "--print-config", **environment)
    assert result.exit_code == 0, result.stderr
    values = tomllib.loads(result.stdout)
    values |= values.pop("limits")
    lines = [line for line in result.stdout.splitlines() if " = " in line]
    sources = {line.partition(" = ")[0]: line.rpartition("# ")[2] for line in lines}
    return {name: (value, sources[name]) for name, value in values.items()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "asha.toml"
    path.write_text(
        'database = "file.db"\nlisten = ["127.0.0.1:1", "unix:/tmp/a"]\nwait_for_lock = true\n'
        'backup_keep = 5\nkeepalive = "30s"\nsocket_mode = "0660"\n'
        "[limits]\nsessions_max = 1\nreads_max = 1\nwatches_max = 1\n"
    )
    return path


def test_a_flag_goes_before_the_environment_that_before_the_file_that_before_the_default(
    file: Path,
) -> None:
    found = shown(
        "--config", str(file), "--backup-keep", "7", "--limit", "sessions_max=3",
        ASHA_BACKUP_KEEP="6", ASHA_KEEPALIVE="40s", ASHA_LIMITS="sessions_max=2 reads_max=2",
    )  # fmt: skip

    assert found["backup_keep"] == (7, "flag")
    assert found["keepalive"] == ("40s", "environment")
    assert found["database"] == ("file.db", "file")
    assert found["listen"] == (["127.0.0.1:1", "unix:/tmp/a"], "file")
    assert found["wait_for_lock"] == (True, "file")
    assert found["socket_mode"] == ("0660", "file")
    assert found["auth"] == ("none", "default")
    limits = {name: found[name] for name in ("sessions_max", "reads_max", "watches_max")}
    assert limits == {
        "sessions_max": (3, "flag"),
        "reads_max": (2, "environment"),
        "watches_max": (1, "file"),
    }
    assert found["exports_max"] == (4, "default")


def test_limits_of_the_environment_alone_are_known_for_that() -> None:
    assert shown(ASHA_LIMITS="reads_max=2")["reads_max"] == (2, "environment")


def test_the_file_itself_can_be_named_by_the_environment(file: Path) -> None:
    assert shown(ASHA_CONFIG=str(file))["database"] == ("file.db", "file")


def test_several_addresses_come_from_one_variable() -> None:
    found = shown(ASHA_LISTEN="127.0.0.1:1 127.0.0.1:2")

    assert found["listen"] == (["127.0.0.1:1", "127.0.0.1:2"], "environment")


def test_what_is_printed_is_a_file_that_means_the_same(tmp_path: Path) -> None:
    first = serve("--print-config", "--auth", "tokens", "--limit", "reads_max=9")
    path = tmp_path / "again.toml"
    path.write_text(first.stdout)

    again = shown("--config", str(path))

    assert again["auth"] == ("tokens", "file")
    assert again["reads_max"] == (9, "file")


@pytest.mark.parametrize(
    ("content", "needle"),
    [
        ("lisen = 1", "unknown key 'lisen'; did you mean 'listen'?"),
        ("config = 'x'", "unknown key 'config'"),
        ("limit = ['reads_max=1']", "unknown key 'limit'; did you mean 'limits'?"),
        ("[limits]\nread_max = 1", "unknown limit 'read_max'; did you mean 'reads_max'?"),
        ("[limits]\nreads_max = 0", "reads_max must be a whole number of 1 or more"),
        ("[limits]\nreads_max = 1.5", "reads_max must be a whole number of 1 or more"),
        ("limits = 1", "limits must be a table"),
        ("backup_every = 60", "is not a time like 60s"),  # 60 of what?
        ("auth = 'maybe'", "'maybe' is not one of 'none', 'tokens'"),
        ("not toml", "cannot be read"),
        ("socket_mode = '0999'", "is no permissions like"),
    ],
)
def test_a_file_with_something_wrong_is_refused(tmp_path: Path, content: str, needle: str) -> None:
    path = tmp_path / "asha.toml"
    path.write_text(content)

    result = serve("--config", str(path), "--print-config")

    assert result.exit_code == 2
    assert needle in result.stderr


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = serve("--config", str(tmp_path / "none.toml"), "--print-config")

    assert (result.exit_code, "cannot be read" in result.stderr) == (2, True)


def test_a_variable_that_was_nearly_right_is_refused_and_others_are_left_alone() -> None:
    refused = serve("--print-config", ASHA_LISTN="127.0.0.1:1")
    left = serve("--print-config", ASHA_SERVICE_HOST="10.0.0.1", ASHA_PORT="tcp://10.0.0.1:1")

    assert refused.exit_code == 2
    assert "unknown variable ASHA_LISTN; did you mean ASHA_LISTEN?" in refused.stderr
    assert left.exit_code == 0


@pytest.mark.parametrize(
    "words", [("--limit", "reads=1"), ("--limit", "reads_max"), ("--limit", "reads_max=-1")]
)
def test_a_limit_that_is_none_is_refused(words: tuple[str, str]) -> None:
    assert serve(*words, "--print-config").exit_code == 2
    assert serve("--print-config", ASHA_LIMITS=words[1]).exit_code == 2
