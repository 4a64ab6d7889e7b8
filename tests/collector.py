"""A collector of traces on this machine, which reads OpenTelemetry's protocol over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from portal.core import tracing


class Collector:
    """The spans that came, once ``read`` was called."""

    def __init__(self):
        self.requests: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def read(self) -> list:
        """Have everything sent; return the spans in the order of their ends."""
        tracing.flush()
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting(monkeypatch) -> Iterator[Collector]:
    """Trace this process, as the environment variable makes the portal do."""
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    tracing.set_up()
    try:
        yield collector
    finally:
        tracing.end()
        collector.server.shutdown()
        collector.server.server_close()


def values(span) -> dict[str, str]:
    """The attributes of a span, as texts."""
    return {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes}
