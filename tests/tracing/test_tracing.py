"""Traces: the span of a call joins its client's, and is linked to that of its commit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asha_client
import grpc
import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as collector
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as collector_rpc
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from asha_server import server as server_module
from asha_server.config import Config
from asha_server.pb import experiment_service_pb2 as e
from asha_server.pb import suggestion_service_pb2 as s
from asha_server.server import Server
from asha_server.tracing import Tracing
from tests.server.conftest import Client, halving, held, refused
from tests.server.test_session import Stream, report, reports

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
SUGGESTIONS = "/asha.v1.SuggestionService"
EXPERIMENTS = "/asha.v1.ExperimentService"


SPEC = {
    "metric": {"name": "loss", "goal": "GOAL_MINIMIZE"},
    "parameters": [{"name": "lr", "double_range": {"min": 0, "max": 1}}],
    "max_length": 9,
    "max_trials": 9,
    "async_halving": {"num_rungs": 3, "divisor": 3},
}


class Traced:
    """A traced server in this process.

    Attributes:
        client: calls it.
    """

    def __init__(self, server: Server, client: Client, exporter: InMemorySpanExporter) -> None:
        self.client = client
        self._server = server
        self._exporter = exporter

    def spans(self, name: str) -> list[ReadableSpan]:
        """The spans of that name that have ended."""
        assert self._server._tracing is not None
        self._server._tracing._provider.force_flush()
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    async def span(self, name: str) -> ReadableSpan:
        """The only span of that name; a call's ends when its answer is on its way already."""
        while not (found := self.spans(name)):  # noqa: ASYNC110 - the exporter tells nobody
            await asyncio.sleep(0.01)
        (span,) = found
        return span


@pytest.fixture
async def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Traced]:
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(server_module, "_tracing", lambda target: Tracing(target, exporter))
    server = Server(Config(tmp_path / "asha.db", ("127.0.0.1:0",), traces="otlp"))
    await server.start()
    async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
        yield Traced(server, Client(server, channel), exporter)
    await server.stop()


def parent_of(span: ReadableSpan) -> tuple[str, str]:
    """(trace, span) that it is a part of."""
    assert span.parent is not None
    return f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}"


async def test_a_call_joins_the_trace_of_its_client(traced: Traced) -> None:
    request = e.CreateExperimentRequest(experiment_id="e", spec=halving())
    call: Any = traced.client.experiments.CreateExperiment

    await call(request, metadata=(("traceparent", TRACEPARENT),))

    span = await traced.span(f"{EXPERIMENTS}/CreateExperiment")
    assert parent_of(span) == (TRACE, SPAN)
    assert span.kind is trace.SpanKind.SERVER
    assert span.resource.attributes["service.name"] == "asha-server"


async def test_a_call_is_linked_to_its_commit(traced: Traced) -> None:
    """A question that came alone is answered without one."""
    await traced.client.create()
    await traced.client.get()

    span = await traced.span(f"{EXPERIMENTS}/CreateExperiment")
    commit = await traced.span("commit")

    assert commit.parent is None
    assert commit.attributes == {"asha.commands": 1}
    assert [link.context for link in span.links] == [commit.get_span_context()]
    times = (span.start_time, commit.start_time, commit.end_time, span.end_time)
    assert list(times) == sorted(time for time in times if time)
    asked = await traced.span(f"{EXPERIMENTS}/GetExperiment")
    assert not asked.links


async def test_a_refused_call_is_an_error_only_where_the_server_is_at_fault(
    traced: Traced,
) -> None:
    await refused(traced.client.get("nobody"))

    span = await traced.span(f"{EXPERIMENTS}/GetExperiment")

    assert span.attributes is not None
    assert span.attributes["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]
    assert span.status.status_code is trace.StatusCode.UNSET


async def test_requests_of_a_session_have_spans_of_their_own(traced: Traced) -> None:
    """Each joins the trace that it names, not that of the stream."""
    await traced.client.create()
    stream = Stream(traced.client)
    given = await stream.take()

    await stream.say(traceparent=TRACEPARENT, report_metrics=reports(report(given, 0, 0.5)))
    answer = await stream.hear()
    await stream.ask(heartbeat=s.HeartbeatRequest(**held(given)))
    stream.call.cancel()

    assert answer.report_metrics.results[0].HasField("response")
    span = await traced.span(f"{SUGGESTIONS}/TrainingSession/ReportMetrics")
    assert parent_of(span) == (TRACE, SPAN)
    (link,) = span.links
    assert link.context in [commit.get_span_context() for commit in traced.spans("commit")]
    beat = await traced.span(f"{SUGGESTIONS}/TrainingSession/Heartbeat")
    assert beat.parent is None
    assert not traced.spans(f"{SUGGESTIONS}/TrainingSession")


@pytest.mark.parametrize("traceparent", ["nonsense", "00-0-0-00", "x" * 10_000])
async def test_a_malformed_trace_is_none(traced: Traced, traceparent: str) -> None:
    await traced.client.create()
    stream = Stream(traced.client)
    ask = s.GetSuggestionRequest(experiment_id="e", worker_id="w")

    await stream.say(traceparent=traceparent, get_suggestion=ask)

    assert (await stream.hear()).get_suggestion.HasField("assignment")
    stream.call.cancel()
    span = await traced.span(f"{SUGGESTIONS}/TrainingSession/GetSuggestion")
    assert span.parent is None


async def test_a_watch_that_is_cut_off_ends_its_span(
    traced: Traced, caplog: pytest.LogCaptureFixture
) -> None:
    await traced.client.create()
    request = e.WatchExperimentRequest(experiment_id="e", after_sequence=0)
    watch: Any = traced.client.experiments.WatchExperiment(request)
    assert await watch.read()

    watch.cancel()
    while traced.client.server.watching.open_count:
        await traced.client.get()  # until the server has noticed

    assert len(traced.spans(f"{EXPERIMENTS}/WatchExperiment")) == 1
    assert not [one for one in caplog.records if one.name.startswith("opentelemetry")]


# -- processes ------------------------------------------------------------------------------------


class Collector(collector_rpc.TraceServiceServicer):
    """Takes spans as OpenTelemetry's collector does."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.came = threading.Condition()

    def Export(self, request: Any, context: Any) -> Any:
        with self.came:
            for resource in request.resource_spans:
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
            self.came.notify_all()
        return collector.ExportTraceServiceResponse()


@pytest.fixture
def collecting() -> Iterator[tuple[Collector, str]]:
    """A collector, and where it is."""
    with ThreadPoolExecutor(2) as pool:
        served, taken = grpc.server(pool), Collector()
        collector_rpc.add_TraceServiceServicer_to_server(taken, served)  # type: ignore[no-untyped-call]  # generated
        port = served.add_insecure_port("127.0.0.1:0")
        served.start()
        yield taken, f"http://127.0.0.1:{port}"
        served.stop(None).wait()


def test_a_trainers_trace_goes_through_the_client_and_the_server_to_a_collector(
    tmp_path: Path, collecting: tuple[Collector, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a session and by single calls, with the server as a process of its own."""
    taken, endpoint = collecting
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_INSECURE", "true")
    tracer = TracerProvider().get_tracer("trainer")
    with subprocess.Popen(
        [
            sys.executable, "-m", "asha_server.cli", "serve", "--traces", "otlp",
            "--database", str(tmp_path / "asha.db"), "--listen", "127.0.0.1:0",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        traces = {}
        for sessions in (True, False):
            name = f"sessions-{sessions}"
            with (
                asha_client.connect(address, sessions=sessions) as client,
                tracer.start_as_current_span("train") as span,
            ):
                traces[sessions] = span.get_span_context().trace_id.to_bytes(16, "big")
                client.create_experiment(SPEC, name)
                trial = next(iter(client.experiment(name).trials("w")))
                trial.report(1, {"loss": 0.5})
        process.terminate()
        assert process.wait() == 0

    def names(trace_id: bytes) -> set[str]:
        return {span.name for span in taken.spans if span.trace_id == trace_id}

    session = f"{SUGGESTIONS}/TrainingSession"
    assert names(traces[True]) >= {
        f"{EXPERIMENTS}/CreateExperiment",
        f"{session}/GetSuggestion",
        f"{session}/ReportMetrics",
    }
    assert names(traces[False]) >= {f"{SUGGESTIONS}/ReportMetric", f"{SUGGESTIONS}/GetSuggestion"}


def test_a_server_that_is_not_asked_to_trace_loads_nothing_of_it() -> None:
    program = "import sys, asha_server.cli.serve; print('opentelemetry.sdk' in sys.modules)"

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert said.stdout == "False\n"


def test_a_client_of_a_program_that_is_not_traced_sends_no_trace() -> None:
    program = (
        "import sys; from asha_client.tracing import trace_headers; "
        "print(trace_headers(), 'opentelemetry' in sys.modules)"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert said.stdout == "{} False\n"


def test_the_console_is_standard_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            sys.executable, "-m", "asha_server.cli", "serve", "--traces", "console",
            "--database", str(tmp_path / "asha.db"), "--listen", "127.0.0.1:0",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        with asha_client.connect(address) as client:
            client.create_experiment(SPEC, "e")
        process.terminate()
        out, log = process.communicate()

    assert process.returncode == 0
    assert not out
    assert f'"name": "{EXPERIMENTS}/CreateExperiment"' in log
