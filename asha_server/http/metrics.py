"""What Prometheus scrapes: counters that the server keeps anyway, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from asha_server import __version__
from asha_server.call_stats import BUCKETS_S

if TYPE_CHECKING:
    from pathlib import Path

    from asha_server.accounts import Accounts
    from asha_server.call_stats import CallStats, Histogram
    from asha_server.engine import Engine
    from asha_server.service.session import Sessions
    from asha_server.service.watching import Watching


class Metrics(Collector):
    """All metrics of a server; each look reads its counters.

    Args:
        engine: whose counters.
        calls: counters of all calls.
        sessions: whose sessions.
        watching: whose watches.
        accounts: whose refusals.
        database: whose sizes.
    """

    def __init__(
        self,
        engine: Engine,
        calls: CallStats,
        sessions: Sessions,
        watching: Watching,
        accounts: Accounts,
        database: Path,
    ) -> None:
        self._engine = engine
        self._calls = calls
        self._sessions = sessions
        self._watching = watching
        self._accounts = accounts
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """Every metric, as it is now."""
        yield from self._about_calls()
        yield from self._about_engine()
        yield from self._about_experiments()
        yield from self._about_file()

    def describe(self) -> list[Metric]:
        """Nothing ahead of the first look: names are found by looking."""
        return []

    def _about_calls(self) -> Iterator[Metric]:
        ended = CounterMetricFamily(
            "asha_calls",
            "Calls that ended, by method, status code and reason (empty: OK).",
            labels=("method", "code", "reason"),
        )
        for labels, count in list(self._calls.ended.items()):
            ended.add_metric(labels, count)
        yield ended
        took = HistogramMetricFamily(
            "asha_call_duration_seconds",
            "How long calls took, of those that do not wait or stream.",
            labels=("method",),
        )
        for method, histogram in list(self._calls.took.items()):
            _add(took, [method], histogram)
        yield took
        refusals = CounterMetricFamily(
            "asha_quota_refusals",
            "Calls refused with QUOTA_EXCEEDED, by limit and kind of identity.",
            labels=("limit", "identity"),
        )
        for refused, count in list(self._accounts.refusals.items()):
            refusals.add_metric(refused, count)
        yield refusals

    def _about_engine(self) -> Iterator[Metric]:
        engine, stats = self._engine, self._engine.stats
        for name, help_text, count in (
            ("asha_commands", "Commands decided.", stats.commands),
            ("asha_batches", "Turns of the engine.", stats.batches),
            ("asha_commits", "Transactions committed.", stats.commits),
            ("asha_events", "Events committed.", stats.events),
            ("asha_lease_expiries", "Leases that expired.", stats.expiries),
            ("asha_fencings", "Calls refused with LEASE_LOST.", self._fencings()),
            ("asha_stalls", "Times that the server stood still.", stats.stalls),
        ):
            yield CounterMetricFamily(name, help_text, value=count)
        commit = HistogramMetricFamily("asha_commit_duration_seconds", "How long commits took.")
        _add(commit, [], stats.commit_took)
        yield commit
        for name, help_text, now in (
            ("asha_inbox_commands", "Commands that wait to be decided.", engine.inbox_depth),
            ("asha_waiting_calls", "Long polls that are held.", engine.waiting_calls),
            ("asha_live_leases", "Leases that are live.", len(engine.leases)),
            ("asha_sessions", "Training sessions that are open.", self._sessions.open_count),
            ("asha_watches", "Watches that are open.", self._watching.open_count),
        ):
            yield GaugeMetricFamily(name, help_text, value=now)

    def _fencings(self) -> int:
        lost = (n for (_, _, reason), n in self._calls.ended.items() if reason == "LEASE_LOST")
        return sum(lost)

    def _about_experiments(self) -> Iterator[Metric]:
        trials: dict[str, int] = {}
        experiments: dict[str, int] = {}
        for hosted in list(self._engine.hosted.values()):
            state = hosted.experiment.state
            experiments[state.state] = experiments.get(state.state, 0) + 1
            for trial_state, count in state.counts.items():
                trials[trial_state] = trials.get(trial_state, 0) + count
        for name, help_text, counts in (
            ("asha_experiments", "Experiments by state.", experiments),
            ("asha_trials", "Trials by state.", trials),
        ):
            family = GaugeMetricFamily(name, help_text, labels=("state",))
            for state_name, count in sorted(counts.items()):
                family.add_metric([state_name], count)
            yield family

    def _about_file(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "asha_database_bytes", "Size of the database file.", value=_size(self._database)
        )
        log = self._database.with_name(f"{self._database.name}-wal")
        yield GaugeMetricFamily("asha_wal_bytes", "Size of its log.", value=_size(log))
        info = GaugeMetricFamily("asha_build_info", "1, by version.", labels=("version",))
        info.add_metric([__version__], 1)
        yield info


def _add(family: HistogramMetricFamily, labels: list[str], histogram: Histogram) -> None:
    """Cumulative counts, as Prometheus has them."""
    total, buckets = 0, []
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), histogram.counts, strict=True):
        total += count
        buckets.append((bound, total))
    family.add_metric(labels, buckets=buckets, sum_value=histogram.total_s)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
