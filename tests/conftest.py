"""Profiles of hypothesis, chosen by ASHA_HYPOTHESIS_PROFILE, and options of our own."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
for name, examples in (("default", 50), ("ci", 1_500), ("deep", 20_000)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=_CHECKS,
        derandomize=name == "default",
        database=None,
    )
settings.load_profile(os.environ.get("ASHA_HYPOTHESIS_PROFILE", "default"))


def pytest_configure() -> None:
    """Ctrl-C ends what tests start also where they run in the background of a shell."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Half of the time tests wait for servers, leases and processes: more of them than cores."""
    return 2 * (os.cpu_count() or 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite",
        action="store_true",
        help="write what is answered into tests/search/traces instead of comparing",
    )


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether expectations are to be written rather than compared."""
    return bool(request.config.getoption("--rewrite"))
