"""What a report and a suggestion cost with 100, 10,000 and 1,000,000 trials, and how all grows.

python benchmarks/scale.py [--sizes 100 10000 1000000]

End to end over gRPC, for every size: the start, the memory, reports that enter a rung of so many
entries and suggestions of new trials under load, each read-only call one after another, with the
exponent of its growth (0: none, 1: in proportion); the sizes by turns. Then promotions of trials
that have rested since before the start, a thousand experiments, a thousand held long polls and ten
thousand open sessions.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

import grpc
from figures import median, show
from large import write_large, write_promotable
from load_generator import build, create, load, loading, memory_mib
from served import Served, served

from asha_server.pb import admin_service_pb2 as a
from asha_server.pb import admin_service_pb2_grpc as a_rpc
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import experiment_service_pb2_grpc as e_rpc
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.pb import suggestion_service_pb2_grpc as s_rpc
from asha_server.pb import trial_pb2

CALLS = 300
ROUNDS = 3
"""Of load, by turns."""
RESTING = 100_000
"""Trials to promote from, at least: of fewer the promotions run out while they are measured."""
EXPERIMENTS = 1_000
HELD = 1_000
SESSIONS = 10_000
CLOSED_LOOP: dict[str, object] = {"callers": 16, "connections": 16, "seconds": 4.0}


class Calls:
    """Every unary call that can be repeated, on the large search."""

    def __init__(self, channel: grpc.Channel) -> None:
        experiments = e_rpc.ExperimentServiceStub(channel)
        suggestions = s_rpc.SuggestionServiceStub(channel)
        admin = a_rpc.AdminServiceStub(channel)
        name: dict[str, Any] = {"experiment_id": "large"}
        given = suggestions.GetSuggestion(s.GetSuggestionRequest(**name, worker_id="one"))
        held: dict[str, Any] = {
            **name,
            "trial_number": given.assignment.trial_number,
            "lease_token": given.assignment.lease.token,
        }
        asked = s.GetSuggestionRequest(**name, worker_id="one")
        repeated = s.ReportMetricRequest(
            **held, step=0, metrics=[trial_pb2.MetricValue(name="loss", value=0.5)]
        )
        self.calls: dict[str, Callable[[], Any]] = {
            "GetSuggestion, of the trial in hand": lambda: suggestions.GetSuggestion(asked),
            "ReportMetric, repeated": lambda: suggestions.ReportMetric(repeated),
            "Heartbeat": lambda: suggestions.Heartbeat(s.HeartbeatRequest(**held)),
            "ShouldStop": lambda: suggestions.ShouldStop(s.ShouldStopRequest(**held)),
            "GetExperiment": lambda: experiments.GetExperiment(e.GetExperimentRequest(**name)),
            "ListExperiments": lambda: experiments.ListExperiments(e.ListExperimentsRequest()),
            "GetTrial": lambda: experiments.GetTrial(e.GetTrialRequest(**name, trial_number=7)),
            "ListTrials, a page of 100": lambda: experiments.ListTrials(
                e.ListTrialsRequest(**name, page_size=100)
            ),
            "ListObservations": lambda: experiments.ListObservations(
                e.ListObservationsRequest(**name, trial_number=7)
            ),
            "ListRungs": lambda: experiments.ListRungs(e.ListRungsRequest(**name)),
            "ListDecisions, a page of 100": lambda: experiments.ListDecisions(
                e.ListDecisionsRequest(**name, page_size=100)
            ),
            "GetBestTrials": lambda: experiments.GetBestTrials(e.GetBestTrialsRequest(**name)),
            "ListCheckpoints, a page of 100": lambda: experiments.ListCheckpoints(
                e.ListCheckpointsRequest(**name, page_size=100)
            ),
            "GetServerInfo": lambda: admin.GetServerInfo(a.GetServerInfoRequest()),
            "ListLeases": lambda: admin.ListLeases(a.ListLeasesRequest()),
        }


def exponent(costs: dict[int, float]) -> float:
    """The slope of log cost over log size by least squares."""
    points = [(math.log(size), math.log(cost)) for size, cost in costs.items()]
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum(
        (x - x_mean) ** 2 for x, _ in points
    )


def at_sizes(sizes: list[int]) -> dict[int, tuple[dict[str, float], dict[str, float]]]:
    """The figures under load, and those of each call, with so many trials.

    One server a size, all at once and by turns: the machine slows down and recovers.
    """
    figures: dict[int, dict[str, float]] = {}
    with ExitStack() as stack:
        servers: dict[int, Served] = {}
        for size in sizes:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
            write_large(directory / "asha.db", size)
            servers[size] = server = stack.enter_context(served(directory))
            figures[size] = {
                "start_s": server.started_s, "resident_mib": memory_mib(server.pid),
            }  # fmt: skip
        loads: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
        for _ in range(ROUNDS):
            for size, server in servers.items():
                loads[size].append(load(server.address, ["large"], **CLOSED_LOOP))
        for size, loaded in loads.items():
            for what, quantile in product(("report", "ask"), ("p50", "p99")):
                figures[size][f"{what}_{quantile}"] = median(
                    [one[f"{what}_us"][quantile] for one in loaded]
                )
        channels = {
            size: stack.enter_context(grpc.insecure_channel(server.address))
            for size, server in servers.items()
        }
        calls = repeated_calls({size: Calls(channel) for size, channel in channels.items()})
    return {size: (figures[size], calls[size]) for size in sizes}


def repeated_calls(sizes: dict[int, Calls]) -> dict[int, dict[str, float]]:
    """Median microseconds of each call at each size, by turns."""
    found: dict[int, dict[str, float]] = {size: {} for size in sizes}
    for name in next(iter(sizes.values())).calls:
        times: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(CALLS):
            for size, calls in sizes.items():
                began = time.perf_counter_ns()
                calls.calls[name]()
                times[size].append((time.perf_counter_ns() - began) / 1000)
        for size, took in times.items():
            found[size][name] = median(took[CALLS // 10 :])
    return found


def trials_grow(sizes: list[int]) -> None:
    """Prints what more trials change."""
    found = at_sizes(sizes)
    smallest = found[sizes[0]][0]
    for size, (figures, _) in found.items():
        more = (figures["resident_mib"] - smallest["resident_mib"]) * 2**20
        show(
            f"{size:,} trials",
            start=f"{figures['start_s']:.2f} s",
            resident=f"{figures['resident_mib']:.0f} MiB",
            a_trial=f"{more / max(size - sizes[0], 1):,.0f} B",
        )
        for what in ("report", "ask"):
            p50, p99 = figures[f"{what}_p50"], figures[f"{what}_p99"]
            show(
                f"    {what}, 16 callers",
                p50=f"{p50:,.0f} µs ({p50 / smallest[f'{what}_p50']:.2f} x)",
                p99=f"{p99:,.0f} µs ({p99 / smallest[f'{what}_p99']:.2f} x)",
            )
    for call in found[sizes[0]][1]:
        costs = {size: calls[call] for size, (_, calls) in found.items()}
        show(
            call,
            **{f"{size:,}": f"{us:.0f} µs" for size, us in costs.items()},
            exponent=f"{exponent(costs):+.2f}",
        )


def promotions_grow(sizes: list[int]) -> None:
    """Prints what promotions cost of trials whose attempts are in the file alone.

    The server is started on a file of paused trials, half of which are to be promoted; each caller
    is given one of them, reports it into the upper rung, and gets the next.
    """
    with ExitStack() as stack:
        servers: dict[int, Served] = {}
        for size in sizes:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
            write_promotable(directory / "asha.db", size)
            servers[size] = stack.enter_context(served(directory))
        loads: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
        for _ in range(ROUNDS):
            for size, server in servers.items():
                loads[size].append(load(server.address, ["large"], **CLOSED_LOOP))
    costs: dict[tuple[str, str], dict[int, float]] = {}
    for what, quantile in product(("ask", "report"), ("p50", "p99")):
        costs[what, quantile] = {
            size: median([one[f"{what}_us"][quantile] for one in loaded])
            for size, loaded in loads.items()
        }
    for size in sizes:
        show(
            f"promotions from {size:,} paused trials, 16 callers",
            **{
                f"{what}_{quantile}": f"{of[size]:,.0f} µs ({of[size] / of[sizes[0]]:.2f} x)"
                for (what, quantile), of in costs.items()
            },
        )


def experiments_grow(server: Served) -> None:
    """Prints what more experiments change."""
    create(server, "0")
    one = load(server.address, ["0"], **CLOSED_LOOP)
    for number in range(1, EXPERIMENTS):
        create(server, str(number))
    names = [str(number) for number in range(EXPERIMENTS)]
    for count, shown in ((1, one), (EXPERIMENTS, None)):
        loaded = shown or load(
            server.address, names, **CLOSED_LOOP | {"callers": EXPERIMENTS, "interval_ms": 500}
        )
        report = loaded["report_us"]
        show(
            f"{count:,} experiments" + (", a report each every 500 ms" if count > 1 else ""),
            p50=f"{report['p50']:,} µs",
            p99=f"{report['p99']:,} µs",
        )
    again = load(server.address, ["0"], **CLOSED_LOOP)["report_us"]
    show(
        f"one of {EXPERIMENTS:,} experiments, as before",
        p50=f"{again['p50']:,} µs ({again['p50'] / one['report_us']['p50']:.2f} x)",
        p99=f"{again['p99']:,} µs ({again['p99'] / one['report_us']['p99']:.2f} x)",
    )


def polls_are_held(server: Served) -> None:
    """Prints what a thousand workers cost that wait for a trial."""
    create(server, "full", max_trials=1)
    with grpc.insecure_channel(server.address) as channel:
        s_rpc.SuggestionServiceStub(channel).GetSuggestion(
            s.GetSuggestionRequest(experiment_id="full", worker_id="holder")
        )
    create(server, "reported")
    samples: dict[int, list[float]] = {0: [], HELD: []}
    for _ in range(3):
        for held, found in samples.items():
            options = CLOSED_LOOP | {"waiting": held, "waiting_for": "full", "warm_up": 1.0}
            found.append(load(server.address, ["reported"], **options)["report_us"]["p50"])
    alone, beside = median(samples[0]), median(samples[HELD])
    show(
        f"a report beside {HELD:,} held long polls, p50",
        none=f"{alone:,.0f} µs",
        held=f"{beside:,.0f} µs ({beside / alone:.2f} x)",
    )


def sessions_are_open(server: Served) -> None:
    """Prints what ten thousand open sessions take, one report each when they began."""
    create(server, "sessions")
    before = memory_mib(server.pid)
    options: dict[str, object] = {
        "mode": "session", "callers": SESSIONS, "connections": 200, "seconds": 20.0,
        "warm_up": 20.0, "interval_ms": 20_000,
    }  # fmt: skip
    peaks = []
    with loading(server.address, ["sessions"], **options) as found:
        began = time.perf_counter()
        while time.perf_counter() - began < 60 and not found:
            time.sleep(1)
            peaks.append(memory_mib(server.pid))
            if len(peaks) > 50 and peaks[-1] <= peaks[-10]:
                break
    report = found[0]["report_us"]
    show(
        f"{SESSIONS:,} open sessions, a report each every 20 s",
        a_session=f"{(max(peaks) - before) * 1024 / SESSIONS:.0f} KiB",
        reports=f"{found[0]['reports_per_second']:,.0f}/s",
        p50=f"{report['p50'] / 1000:.1f} ms",
        p99=f"{report['p99'] / 1000:.0f} ms",
    )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 10_000, 1_000_000])
    sizes = parser.parse_args().sizes
    build()
    trials_grow(sizes)
    promotions_grow(sorted({RESTING, max(RESTING, *sizes)}))
    for part in (experiments_grow, polls_are_held, sessions_are_open):
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, served(Path(name)) as server:
            part(server)


main()
