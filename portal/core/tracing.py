"""Traces in OpenTelemetry's format: one from a request, through the jobs that it causes, to their boards.

Off unless a collector is named by OpenTelemetry's own variables; nothing of it is imported then, and the
functions here do nothing. A job keeps the position in the trace that it was submitted at, since the message
that wakes a worker names no job.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from portal import env, version
from portal.core.secret_paths import mask

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

COLLECTOR = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NOT_TRACED = "/healthz$,/readyz$,/metrics$,/static/"
PARENT = "traceparent"  # https://www.w3.org/TR/trace-context/
FLUSH_MS = 2000

_provider: TracerProvider | None = None


def set_up() -> None:
    """Send traces if a collector is named. Called once a process, before the web server loads its handler."""
    if any(env.text(name) for name in COLLECTOR):
        from celery import signals
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        signals.worker_process_shutdown.connect(flush)
        begin(BatchSpanProcessor(OTLPSpanExporter()))


def begin(processor: Any) -> None:
    """Send spans to an SDK's span processor."""
    global _provider
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace import TracerProvider

    named = {SERVICE_NAME: env.text("OTEL_SERVICE_NAME", "slipway"), SERVICE_VERSION: version.VERSION}
    _provider = TracerProvider(resource=Resource.create(named))
    _provider.add_span_processor(processor)
    DjangoInstrumentor().instrument(
        tracer_provider=_provider,
        excluded_urls=NOT_TRACED,
        request_hook=_hide_secrets,
    )


def end() -> None:
    """Send what is left, and trace no more."""
    global _provider
    if _provider is not None:
        from opentelemetry.instrumentation.django import DjangoInstrumentor

        _provider.shutdown()
        DjangoInstrumentor().uninstrument()
        _provider = None


def flush(**_: object) -> None:
    """Send what is left: a pool process of Celery ends without cleaning up."""
    if _provider is not None:
        _provider.force_flush(FLUSH_MS)


def parent() -> str:
    """The present position in the trace, as the header ``traceparent`` has it; empty outside of one."""
    carrier: dict[str, str] = {}
    if _provider is not None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(PARENT, "")


def trace_id() -> str:
    """The present trace's id, 32 hexadecimal digits; empty outside of one."""
    return parent()[3:35]


@contextlib.contextmanager
def span(name: str, after: str | None = None, **attributes: str | int | float) -> Iterator[Span | None]:
    """A part of the trace, after ``after`` if its parent is in another process. Yields None if untraced."""
    if _provider is None:
        yield None
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    given: dict[str, Any] = {"attributes": {f"slipway.{key}": value for key, value in attributes.items()}}
    if after is not None:
        given |= {
            "context": TraceContextTextMapPropagator().extract({PARENT: after}),
            "kind": SpanKind.CONSUMER,
        }
    with _provider.get_tracer("slipway", version.VERSION).start_as_current_span(name, **given) as opened:
        yield opened


def fail(opened: Span | None, why: str) -> None:
    """Mark a span as failed."""
    if opened is not None:
        from opentelemetry.trace import StatusCode

        opened.set_status(StatusCode.ERROR, why)


def note(event: str, /, **attributes: str) -> None:
    """Add an event to the present span."""
    if _provider is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().add_event(event, attributes)


def traced(name: str) -> Callable:
    """Decorate a function whose calls are parts of the trace."""

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with span(name):
                return function(*args, **kwargs)

        return call

    return decorate


def _hide_secrets(opened: Span, request: Any) -> None:
    """Some addresses hold a secret, such as an invitation's."""
    path = mask(request.path)
    for name in ("http.target", "http.url", "url.path", "url.full", "url.query"):
        if name in getattr(opened, "attributes", {}):
            opened.set_attribute(name, "" if name == "url.query" else path)
