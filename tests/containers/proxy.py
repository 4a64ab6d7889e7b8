"""The real proxy of docker-compose.yml on loopback: Debian's Caddy with ``configs/containers/Caddyfile``."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30


@dataclass
class Proxy:
    """A running proxy that serves the name ``localhost``, by an authority of its own."""

    http_port: int
    port: int
    health_port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def root(self) -> str:
        """The file with its root certificate."""
        return str(self.folder / "caddy/pki/authorities/local/root.crt")

    def connect(self, timeout: float = 30) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout)
        return ssl.create_default_context(cafile=self.root).wrap_socket(plain, server_hostname="localhost")


@contextlib.contextmanager
def running(folder: Path, portal: str, **environment: str) -> Iterator[Proxy]:
    """The proxy before the server at ``portal``, such as ``127.0.0.1:8000``."""
    http_port, port, health_port = (free_port() for _ in range(3))
    proxy = Proxy(http_port, port, health_port, folder)
    values = {
        "PROXY_HTTP_PORT": str(http_port),
        "PROXY_HTTPS_PORT": str(port),
        "PROXY_HEALTH_PORT": str(health_port),
        "SITE_ADDRESS": "localhost",
        "SITE_TLS": "internal",
        "PORTAL": portal,
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        **environment,
    }
    argv = ["caddy", "run", "--config", str(ROOT / "configs/containers/Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(argv, env=os.environ | values, stdout=log, stderr=log)
    try:
        _wait_for(proxy, server)
        yield proxy
    finally:
        server.terminate()
        server.wait(START_SECONDS)


def _wait_for(proxy: Proxy, server: subprocess.Popen) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and server.poll() is None:
        with contextlib.suppress(OSError):  # no certificate yet is one, too
            proxy.connect(5).close()
            return
        time.sleep(0.1)
    raise AssertionError((proxy.folder / "log").read_text(encoding="utf-8"))


class Behind(BaseHTTPRequestHandler):
    """A server behind the proxy that tells what reached it."""

    protocol_version = "HTTP/1.1"
    came: list[bytes] = []  # of the last request's body
    read = Event()  # whoever asked for /stream has its first part

    def do_GET(self) -> None:
        """The headers, line by line; of a stream, the rest once somebody has read them."""
        text = "".join(f"{name}: {value}\n" for name, value in self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (text, b"the rest"):
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            if self.path == "/stream":
                type(self).read.wait(START_SECONDS)
        self.wfile.write(b"0\r\n\r\n")

    def do_PATCH(self) -> None:
        type(self).came = []
        left = int(self.headers["Content-Length"])
        while left:
            data = self.rfile.read1(min(left, 65536))
            if not data:
                return
            left -= len(data)
            self.came.append(data)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments) -> None:
        pass


@contextlib.contextmanager
def server_behind() -> Iterator[str]:
    """The address of a running ``Behind``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
