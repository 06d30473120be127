"""Every case with every driver."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .case import Case
from .catalogue import ALL_CASES
from .conftest import Drivers
from .driver_process import DriverFailed
from .play import Mismatch, Play
from .servers import Misbehaving, RealServer


def test_the_client_does_what_the_case_expects(
    case: Case,
    driver_name: str,
    drivers: Drivers,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("driver", driver_name)
    record_property("case", case.name)
    record_property("about", case.about)
    known = drivers.language(driver_name).known_failures.get(case.name)
    record_property("known", known or "")
    failure = ""
    try:
        _play(case, driver_name, drivers, request)
    except (Mismatch, DriverFailed) as error:
        failure = str(error)
        drivers.drop(driver_name)
    complaint = complaint_of(failure, known)
    if complaint:
        pytest.fail(complaint, pytrace=False)


def complaint_of(failure: str, known: str | None) -> str:
    """Why the suite fails; empty if it does not: a known failure may fail, and may not pass."""
    if known is not None:
        return "" if failure else f"passes: take it off [known_failures] ({known})"
    return failure


def _play(case: Case, driver_name: str, drivers: Drivers, request: pytest.FixtureRequest) -> None:
    driver = drivers.get(driver_name)
    if case.server == "script":
        with Misbehaving(case.script, case.transport) as server:
            Play(case, driver, server).run()
    elif case.server == "own":
        with RealServer() as own:
            Play(case, driver, own).run()
    else:
        fixture = "token_server" if case.server == "tokens" else "real_server"
        Play(case, driver, request.getfixturevalue(fixture)).run()


@pytest.mark.usefixtures("drivers")
def test_known_failures_are_of_cases_that_exist(driver_name: str, drivers: Drivers) -> None:
    names = {case.name for case in ALL_CASES}

    assert set(drivers.language(driver_name).known_failures) - names == set()


def test_a_driver_ends_with_its_input(driver_name: str, drivers: Drivers) -> None:
    drivers.drop(driver_name)

    drivers.get(driver_name).close()
