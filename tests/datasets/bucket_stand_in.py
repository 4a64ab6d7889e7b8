"""The two calls of S3 that an import makes, in memory; pages are small so that several are asked for."""

from __future__ import annotations

import contextlib
import http.server
import threading
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 3


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        self.server.asked.append((bucket, key))
        if bucket != self.server.bucket:
            self.answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        elif key:
            content = self.server.objects.get(key)
            self.answer(404 if content is None else 200, content or b"")
        else:
            self.answer(200, self.listing(parse_qs(parts.query)))

    do_HEAD = do_GET

    def listing(self, query) -> bytes:
        prefix, after = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
        keys = sorted(key for key in self.server.objects if key.startswith(prefix) and key > after)
        sizes = {key: len(self.server.objects[key]) for key in keys[:PAGE]} | self.server.sizes
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{sizes[key]}</Size></Contents>" for key in keys[:PAGE]
        )
        more = len(keys) > PAGE
        token = f"<NextContinuationToken>{escape(keys[PAGE - 1])}</NextContinuationToken>" if more else ""
        said = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}"
        return f"<ListBucketResult>{said}</ListBucketResult>".encode()

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def bucket(name: str, objects: dict[str, bytes]):
    """A server with one bucket, at ``url``. The list says what is in ``sizes`` instead of the true ones."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.bucket, server.objects, server.sizes, server.asked = name, objects, {}, []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
