"""The architecture is still the one that architecture.md draws: the imports say so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "asha_server"

ROOMS = (
    # A module imports from its own room and from rooms further down only.
    ("cli",),
    ("server", "transport", "event_loop"),
    ("http",),
    ("service", "status", "interceptor", "guard", "logs", "verify", "retention", "tracing"),
    (
        "engine",
        "accounts",
        "inbox",
        "refusals",
        "arrivals",
        "decider",
        "roster",
        "lease_keeper",
        "hosted",
        "waiting",
        "watch",
        "clock",
        "garbage",
        "ended_attempts",
    ),
    ("reader", "wire", "picture"),
    ("store", "leases", "tokens", "pb", "config", "experiment_name"),
    ("search", "call_stats", "errors", "identity", "secret_file"),
)
"""Top to bottom; each name is a module or a package of `asha_server`."""

ONLY_IN = {
    # What may be imported in a few rooms only.
    "grpc": {
        "server", "transport", "http", "service", "interceptor", "status", "pb",
        "cli",  # the command is a client
    },
    "grpc_health": {"server", "cli"},
    "grpc_reflection": {"server"},
    "google": {"status", "interceptor", "http", "service", "wire", "pb", "cli"},
    "opentelemetry": {"tracing"},
    "connectrpc": {"http"},
    "prometheus_client": {"http"},
    "uvicorn": {"http"},
    "asha_client": {"cli"},
    "PIL": {"picture"},
    "click": {"cli"},
    "rich": {"cli"},
    "ruamel": {"cli"},
    "sqlite3": {"store"},
    "sqlite_utils": {"store"},
    "uvloop": {"event_loop"},
    "asyncio": {
        "server", "http", "service", "interceptor", "tracing", "engine", "decider", "hosted",
        "watch", "clock", "reader", "retention", "cli",
    },
}  # fmt: skip
"""Outside package -> the rooms that may import it."""

IMPURE = {
    "asyncio", "datetime", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets",
    "shutil", "socket", "subprocess", "sys", "tempfile", "threading", "time", "uuid",
}  # fmt: skip
"""What the core in `search/` knows nothing of."""

VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "core", "tools"}
LINES_MAX = 500
HAND_WRITTEN = ("asha_server", "clients/python", "tests", "benchmarks", "examples")
MARKS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r"\b)")


def _modules(*folders: str) -> list[Path]:
    """Hand-written modules of some folders."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "pb" not in path.parts and "build" not in path.parts]


MODULES = _modules("asha_server")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _room(path: Path) -> str:
    """The module or package of `asha_server` that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, for types too, by its dotted name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            if node.module == "asha_server":
                yield from (f"asha_server.{alias.name}" for alias in node.names)
            else:
                yield node.module


def _floor(room: str) -> int:
    """How far down a room is, 0 the top; -1 for one that has no place in ROOMS yet."""
    return next((floor for floor, rooms in enumerate(ROOMS) if room in rooms), -1)


def test_every_module_imports_from_its_own_floor_and_below() -> None:
    wrong = [
        f"{_shown(path)} imports {name}"
        for path in MODULES
        for name in _imports(path)
        if name.startswith("asha_server.") and name != "asha_server.__version__"
        if not 0 <= _floor(_room(path)) <= _floor(name.split(".")[1])
    ]

    assert wrong == []


def test_every_outside_package_stays_in_its_rooms() -> None:
    wrong = [
        f"{_shown(path)} imports {name}"
        for path in MODULES
        for name in _imports(path)
        if _room(path) not in ONLY_IN.get(name.split(".")[0], {_room(path)})
    ]

    assert wrong == []


def test_the_core_is_pure() -> None:
    wrong = [
        f"{_shown(path)} imports {name}"
        for path in _modules("asha_server/search")
        for name in _imports(path)
        if name.split(".")[0] in IMPURE
    ]

    assert wrong == []


def test_the_environment_is_read_in_the_configuration_and_the_command_alone() -> None:
    wrong = [
        f"{_shown(path)} line {node.lineno}"
        for path in MODULES
        if _room(path) not in ("config", "cli")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")
    ]

    assert wrong == []


def test_every_room_is_there() -> None:
    """A name in a table above that no module has is a rule about nothing."""
    there = {_room(path) for path in PACKAGE.rglob("*.py")}

    named = {room for rooms in ROOMS for room in rooms} | set().union(*ONLY_IN.values())

    assert named - there == set()


def test_the_rule_finds_a_wrong_import(tmp_path: Path) -> None:
    """In every form that Python has."""
    module = tmp_path / "module.py"
    module.write_text(
        "import sqlite3\nimport grpc.aio as aio\nfrom asha_server import engine\n"
        "def f() -> None:\n    from asha_server.store.sqlite import SqliteStore\n"
    )

    assert list(_imports(module)) == [
        "sqlite3",
        "grpc.aio",
        "asha_server.engine",
        "asha_server.store.sqlite",
    ]


def test_every_module_is_short() -> None:
    lengths = {
        _shown(path): len(path.read_text().splitlines())
        for path in _modules("asha_server", "clients/python")
    }

    assert {path: lines for path, lines in lengths.items() if lines > LINES_MAX} == {}


def test_every_module_is_named_after_what_it_owns() -> None:
    names = {path: path.relative_to(ROOT).with_suffix("").parts for path in _modules(*HAND_WRITTEN)}

    assert [_shown(path) for path, parts in names.items() if set(parts) & VAGUE] == []


def test_nothing_is_left_for_later() -> None:
    found = [
        f"{_shown(path)}: {line.strip()}"
        for path in _modules(*HAND_WRITTEN)
        for line in path.read_text().splitlines()
        if MARKS.search(line)
    ]

    assert found == []
