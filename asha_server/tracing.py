"""Traces of calls for OpenTelemetry: one span a call, one a commit, and a link from each to it.

Loaded only where it is asked for (`asha serve --traces`); an extra of the package:
`asha-server[otel]`. The spans of unary calls, watches and exports are those of OpenTelemetry's own
instrumentation of gRPC, which joins the trace of a client that sends `traceparent`. A session is
open for hours, so each of its requests has a span of its own instead.

Sampling, the collector's address and the size of batches are OpenTelemetry's own variables:
OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_BSP_MAX_QUEUE_SIZE and the like.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation import grpc as instrumentation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from asha_server import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.export import SpanExporter

    from asha_server.hosted import Call

_SERVICES = "/asha.v1."
_SESSION = "/asha.v1.SuggestionService/TrainingSession"
_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """Tells OpenTelemetry what becomes of calls.

    Args:
        target: `otlp`, a collector; or `console`, standard error.
        exporter: where the spans go instead; for tests.

    Attributes:
        interceptor: of gRPC, makes the spans of calls.
    """

    def __init__(self, target: str, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create({"service.name": "asha-server", "service.version": __version__})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or _exporter(target)))
        self._tracer = self._provider.get_tracer("asha_server", __version__)
        self.interceptor: Any = instrumentation.aio_server_interceptor(  # type: ignore[no-untyped-call]  # has no types
            self._provider, _is_traced
        )

    def current(self) -> Any:
        """The span of the call at work."""
        return trace.get_current_span()

    @contextmanager
    def batch(self, calls: list[Call]) -> Iterator[None]:
        """The span of a commit, which those of its calls are linked to."""
        with self._tracer.start_as_current_span(
            "commit", context=trace.set_span_in_context(trace.INVALID_SPAN)
        ) as span:
            span.set_attribute("asha.commands", len(calls))
            if span.is_recording():
                context = span.get_span_context()
                for call in calls:
                    if call.span is not None and call.span.is_recording():
                        call.span.add_link(context)
            yield

    def request(self, method: str, traceparent: str) -> Any:
        """The span of a session's request, which is to be ended."""
        return self._tracer.start_span(
            f"{_SESSION}/{method}",
            _PROPAGATOR.extract({"traceparent": traceparent}, Context()),
            trace.SpanKind.SERVER,
            {"rpc.system": "grpc", "rpc.method": method},
        )

    def within(self, span: Any) -> AbstractContextManager[object]:
        """Makes a span that of the call at work; a refusal is no error of the server."""
        return trace.use_span(span, record_exception=False, set_status_on_exception=False)

    async def close(self) -> None:
        """Sends what is left; in a thread, for as long as the exporter tries."""
        await asyncio.to_thread(self._provider.shutdown)


def _exporter(target: str) -> SpanExporter:
    return ConsoleSpanExporter(out=sys.stderr) if target == "console" else OTLPSpanExporter()


def _is_traced(details: Any) -> bool:
    """Whether a call has a span: not health checks and reflection, and no session."""
    return bool(details.method.startswith(_SERVICES)) and details.method != _SESSION
