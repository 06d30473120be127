"""Report + decision over one channel, one after another, beside a bare call and a bare commit."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from figures import median, quantile, show
from grpc_health.v1 import health_pb2, health_pb2_grpc
from served import served

from asha_server.pb import (
    experiment_pb2,
    experiment_service_pb2,
    experiment_service_pb2_grpc,
    suggestion_service_pb2,
    suggestion_service_pb2_grpc,
    trial_pb2,
)

REPORTS = 3_000
WARM_UP = 300


def timed(action: Callable[[int], object], count: int) -> list[float]:
    """Microseconds of each of `count` calls, after a warm-up."""
    times = []
    for index in range(count + WARM_UP):
        began = time.perf_counter_ns()
        action(index)
        times.append((time.perf_counter_ns() - began) / 1000)
    return times[WARM_UP:]


def bare_commits(path: Path) -> list[float]:
    """One row a transaction as the server writes it: WAL, synchronous=FULL."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value REAL)")

    def commit(index: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t (value) VALUES (?)", (index * 0.5,))
        connection.execute("COMMIT")

    times = timed(commit, REPORTS)
    connection.close()
    return times


def report_times(channel: grpc.Channel) -> list[float]:
    """One trial that reports and reports."""
    experiments = experiment_service_pb2_grpc.ExperimentServiceStub(channel)
    suggestions = suggestion_service_pb2_grpc.SuggestionServiceStub(channel)
    experiments.CreateExperiment(
        experiment_service_pb2.CreateExperimentRequest(
            experiment_id="latency",
            spec=experiment_pb2.ExperimentSpec(
                metric=experiment_pb2.Metric(name="loss", goal=experiment_pb2.GOAL_MINIMIZE),
                max_length=10**9,
                max_trials=10,
                async_halving=experiment_pb2.AsyncHalving(num_rungs=1),
            ),
        )
    )
    assignment = suggestions.GetSuggestion(
        suggestion_service_pb2.GetSuggestionRequest(experiment_id="latency", worker_id="w")
    ).assignment

    def report(index: int) -> None:
        suggestions.ReportMetric(
            suggestion_service_pb2.ReportMetricRequest(
                experiment_id="latency",
                trial_number=assignment.trial_number,
                lease_token=assignment.lease.token,
                step=index + 1,
                metrics=[trial_pb2.MetricValue(name="loss", value=1 / (index + 1))],
            )
        )

    return timed(report, REPORTS)


def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        directory = Path(name)
        commits = bare_commits(directory / "bare.db")
        with served(directory) as server, grpc.insecure_channel(server.address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            bare = timed(lambda _: health.Check(health_pb2.HealthCheckRequest()), REPORTS)
            reports = report_times(channel)
    for title, times in (
        ("a bare commit of one row", commits),
        ("a bare gRPC call (health check)", bare),
        ("report + decision, durable", reports),
    ):
        show(title, p50=f"{median(times):.0f} µs", p99=f"{quantile(times, 0.99):.0f} µs")
    floor = median(bare) + median(commits)
    show("report / (bare call + bare commit), medians", ratio=f"{median(reports) / floor:.2f}")


main()
