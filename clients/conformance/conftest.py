"""Options `--driver` and `--results`, and the drivers, built once and kept running."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .catalogue import ALL_CASES, cases_for
from .driver_process import CLIENTS, DriverFailed, DriverProcess, Language, load_language
from .servers import RealServer

_FAILED_BUILDS = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    parser.addoption(
        "--driver", action="append", help="folder under clients/; repeat for several [python]"
    )
    parser.addoption(
        "--clients", type=Path, default=CLIENTS, help="where these folders are, if elsewhere"
    )
    parser.addoption("--results", type=Path, help="write what passed and failed here, as JSON")


def chosen(config: pytest.Config) -> list[str]:
    """The languages of this run."""
    return list(config.getoption("--driver") or ["python"])


def pytest_configure(config: pytest.Config) -> None:
    """Builds every driver, in the first process only."""
    if hasattr(config, "workerinput"):
        config.stash[_FAILED_BUILDS] = json.loads(config.workerinput["failed_builds"])
        return
    config.stash[_FAILED_BUILDS] = failures = {}
    if config.option.collectonly:
        return
    for name in chosen(config):
        try:
            load_language(name, config.getoption("--clients")).build()
        except DriverFailed as error:
            failures[name] = str(error)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of pytest-xdist what could not be built."""
    node.workerinput["failed_builds"] = json.dumps(node.config.stash[_FAILED_BUILDS])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs each test of a driver once for every language, and for each case that it plays."""
    names = chosen(metafunc.config)
    if "case" in metafunc.fixturenames:
        clients = metafunc.config.getoption("--clients")
        metafunc.parametrize(
            ("driver_name", "case"),
            [
                pytest.param(name, case, id=f"{name}-{case.name}")
                for name in names
                for case in cases_for(sessions=has_sessions(name, clients))
            ],
            scope="session",
        )
    elif "driver_name" in metafunc.fixturenames:
        metafunc.parametrize("driver_name", names, scope="session")


def has_sessions(name: str, clients: Path) -> bool:
    """Whether a client has them; no where it cannot be told: then its cases fail and say why."""
    try:
        return load_language(name, clients).sessions
    except DriverFailed:
        return False


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collects what the tests recorded; the failure of any phase is the test's."""
    properties = dict(report.user_properties)
    if "driver" in properties and (report.when == "call" or report.failed):
        _collected.append({**properties, "passed": report.passed})


_collected: list[dict[str, Any]] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the results, in the first process only; those of other languages stay."""
    path = session.config.getoption("--results")
    if path is not None and not hasattr(session.config, "workerinput"):
        found = summary(_collected)
        if path.exists():
            found["languages"] = json.loads(path.read_text())["languages"] | found["languages"]
        text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


def summary(collected: list[dict[str, Any]]) -> dict[str, Any]:
    """The results by language, each case `passed`, `known` (to fail) or `failed`."""
    languages: dict[str, dict[str, str]] = {}
    for one in collected:
        outcome = "failed" if not one["passed"] else "known" if one["known"] else "passed"
        languages.setdefault(one["driver"], {})[one["case"]] = outcome
    return {"cases": {case.name: case.about for case in ALL_CASES}, "languages": languages}


class Drivers:
    """Running drivers by language; one that failed is started anew."""

    def __init__(self, clients: Path, failed_builds: dict[str, str]) -> None:
        self._clients = clients
        self._failed_builds = failed_builds
        self._running: dict[str, DriverProcess] = {}

    def language(self, name: str) -> Language:
        """The language, its driver built.

        Raises:
            DriverFailed: it could not be built.
        """
        if name in self._failed_builds:
            raise DriverFailed(self._failed_builds[name])
        return load_language(name, self._clients)

    def get(self, name: str) -> DriverProcess:
        """The running driver of a language.

        Raises:
            DriverFailed: it could not be built or started.
        """
        driver = self._running.get(name)
        if driver is None or not driver.is_running:
            self.drop(name)
            driver = self._running[name] = DriverProcess(self.language(name))
        return driver

    def drop(self, name: str) -> None:
        """Ends a driver by force: it may be in the middle of a case."""
        driver = self._running.pop(name, None)
        if driver is not None:
            driver.kill()

    def close(self) -> None:
        """Ends every driver by force."""
        for name in list(self._running):
            self.drop(name)


@pytest.fixture(scope="session")
def drivers(pytestconfig: pytest.Config) -> Iterator[Drivers]:
    """The drivers of this process."""
    running = Drivers(pytestconfig.getoption("--clients"), pytestconfig.stash[_FAILED_BUILDS])
    yield running
    running.close()


@pytest.fixture(scope="session")
def real_server() -> Iterator[RealServer]:
    """A real server that cases share; each has an experiment of its own."""
    with RealServer() as server:
        yield server


@pytest.fixture(scope="session")
def token_server() -> Iterator[RealServer]:
    """A real server that wants tokens, shared by cases as well."""
    with RealServer(wants_tokens=True) as server:
        yield server
