"""Profiles of hypothesis, chosen by ASHA_HYPOTHESIS_PROFILE."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
for name, examples in (("default", 150), ("ci", 1_500), ("deep", 20_000)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=_CHECKS,
        derandomize=name == "default",
        database=None,
    )
settings.load_profile(os.environ.get("ASHA_HYPOTHESIS_PROFILE", "default"))
