"""The proxy of docker-compose.yml: the real Caddy, before a server that tells what reaches it."""

import contextlib
import socket
import time

import pytest
import requests

from tests.containers import proxy as proxies
from tests.jobs.helpers import wait_for

CONTENT = bytes(range(256)) * 4096  # a megabyte


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with (
        proxies.server_behind() as behind,
        proxies.running(tmp_path_factory.mktemp("proxy"), behind) as found,
    ):
        yield found


def headers_behind(proxy, **sent):
    answer = requests.get(proxy.address, headers=sent, verify=proxy.root, timeout=30).text
    return dict(line.split(": ", 1) for line in answer.splitlines() if ": " in line)


def test_the_name_has_a_certificate_and_plain_http_leads_to_it(proxy):
    found = requests.get(
        f"http://127.0.0.1:{proxy.http_port}/runs/?page=2",
        headers={"Host": "localhost"},
        allow_redirects=False,
        timeout=30,
    )
    assert found.status_code == 308
    assert found.headers["Location"].startswith("https://localhost")
    assert found.headers["Location"].endswith("/runs/?page=2")
    assert requests.get(proxy.address, verify=proxy.root, timeout=30).ok
    assert requests.get(f"http://127.0.0.1:{proxy.health_port}/healthz", timeout=30).ok


def test_what_a_client_says_of_where_it_comes_from_is_replaced(proxy):
    told = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    found = headers_behind(proxy, Forwarded="for=203.0.113.7", **told)
    assert found["X-Forwarded-For"] == "127.0.0.1"
    assert found["X-Forwarded-Proto"] == "https"
    assert found["X-Forwarded-Host"] == f"localhost:{proxy.port}"
    assert "Forwarded" not in found


def test_a_stream_arrives_as_it_is_sent(proxy):
    proxies.Behind.read.clear()
    with requests.get(f"{proxy.address}/stream", verify=proxy.root, stream=True, timeout=30) as answer:
        parts = answer.iter_content(None)
        first = next(parts)
        assert not proxies.Behind.read.is_set() and b"the rest" not in first
        proxies.Behind.read.set()
        assert b"".join(parts).endswith(b"the rest")


def test_an_upload_is_passed_on_as_it_comes(proxy):
    with proxy.connect() as connection:
        head = f"PATCH /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: {2 * len(CONTENT)}\r\n\r\n"
        connection.sendall(head.encode() + CONTENT)
        wait_for(lambda: b"".join(proxies.Behind.came) == CONTENT, "the first half to arrive")
        connection.sendall(CONTENT)
        assert b" 204 " in connection.recv(200)
    assert b"".join(proxies.Behind.came) == 2 * CONTENT


def test_a_request_that_never_gets_on_is_ended(proxy):
    """Byte by byte, as slowloris sends its head: all together have ten seconds."""
    began = time.monotonic()
    with proxy.connect() as connection, contextlib.suppress(OSError):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        connection.settimeout(1)
        while time.monotonic() - began < 60:
            connection.sendall(b"X-A: b\r\n")
            with contextlib.suppress(TimeoutError):
                if not connection.recv(100):
                    break
    assert 8 < time.monotonic() - began < 30


def test_a_head_has_a_bound(proxy):
    with proxy.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 431")


def test_a_portal_that_restarts_is_waited_for(tmp_path):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        with (
            proxies.running(tmp_path, f"127.0.0.1:{listening.getsockname()[1]}") as proxy,
            proxy.connect() as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.5)  # nothing listens there yet
            listening.settimeout(60)
            listening.listen()
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup")
                assert b" 200 " in client.recv(1000)


def test_a_proxy_that_is_stopped_waits_for_no_stream(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.ExitStack() as kept:
        with proxies.running(tmp_path, f"127.0.0.1:{silent.getsockname()[1]}") as proxy:
            client = kept.enter_context(proxy.connect())
            client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            kept.enter_context(silent.accept()[0])
            stopped_at = time.monotonic()
        assert time.monotonic() - stopped_at < 20
