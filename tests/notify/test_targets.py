"""Webhooks reach public addresses only, by the very address that was checked."""

import contextlib
import socket
import threading
import time
from ipaddress import ip_network

import pytest

from portal.notify import targets

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "100::1", "64:ff9b:1::1",
    "::ffff:0:7f00:1", "::ffff:0:10.0.0.1", "::ffff:0:169.254.169.254", "::ffff:0:8.8.8.8", "::8.8.8.8",
    "64:ff9b::8.8.8.8", "64:ff9b:1::8.8.8.8", "2002:0a00:0001::1", "2001:10::1", "3fff::1", "5f00::1",
    "192.88.99.1", "0.1.2.3", "198.19.255.255", "ff0e::1", "4000::1", "0:1::1", "feff::1",
    "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:127.0.0.1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111",
          "::ffff:8.8.8.8"]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_reached(address):
    assert not targets.is_allowed(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_reached(address):
    assert targets.is_allowed(address)


def test_a_network_that_the_administrator_names_is_reached_and_no_other(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    assert targets.is_allowed("10.1.2.3") and targets.is_allowed("fd12::1")
    assert targets.is_allowed("::ffff:10.1.2.3")
    assert not targets.is_allowed("192.168.1.1") and not targets.is_allowed("fc00::1")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.org/", "must begin with https:// or http://"),
        ("file:///etc/passwd", "must begin with https:// or http://"),
        ("https://", "name a host"),
        ("example.org/hook", "must begin with"),
        ("https://user:secret@example.org/", "Leave the user name and password out"),
        ("https://example.org:99999/", "not an address"),
        ("https://example.org:0/", "port 0"),
        ("https://[::1/", "not an address"),
        ("https://exämple.org/", "only ASCII"),
        ("https://example.org/a b", "no spaces"),
        ("https://example.org/\r\nX-Evil: 1", "no spaces"),
        ("http://127.0.0.1/", "is not a public one"),
        ("http://[::1]:8000/", "is not a public one"),
        ("http://2130706433/", "is not a public one"),
        ("http://0x7f.1/", "is not a public one"),
        ("http://localhost:6379/", "is not a public one"),
        ("https://no-such-host.invalid/", "cannot be found"),
    ],
)
def test_a_wrong_address_is_refused_with_a_sentence(url, words):
    with pytest.raises(targets.BadTarget, match=words):
        targets.check(url)


def names(monkeypatch, *answers):
    """Let the name server give these addresses, one list a question; a further question fails the test."""
    waiting, real = list(answers), socket.getaddrinfo

    def lookup(host, port, *args, **options):
        if host.replace(".", "").isdigit():
            return real(host, port, *args, **options)  # how a socket takes an address
        assert waiting, f"{host} was looked up once more"
        kind = socket.AF_INET
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port)) for address in waiting.pop(0)]

    monkeypatch.setattr(targets.socket, "getaddrinfo", lookup)


def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch):
    names(monkeypatch, ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(targets.BadTarget, match="10.0.0.1, which is not a public one"):
        targets.check("https://two-faced.example/")


def test_the_connection_goes_to_the_address_that_was_checked_and_keeps_the_name(
    listener, loopback, monkeypatch
):
    connected = []
    real = socket.create_connection

    def connect(address, timeout):
        connected.append(address)
        return real(address, timeout)

    names(monkeypatch, ["127.0.0.1"])
    monkeypatch.setattr(targets.socket, "create_connection", connect)
    answer = targets.post(listener.url("hooks.example"), b"{}", {})
    assert (answer.status, answer.text) == (200, "thanks")
    assert connected == [("127.0.0.1", listener.port)]
    assert listener.calls[0][1]["Host"] == f"hooks.example:{listener.port}"


def test_the_certificate_is_asked_for_by_the_name_and_not_by_the_address(loopback, monkeypatch):
    asked = {}

    class Context:
        def wrap_socket(self, sock, server_hostname):
            asked["name"] = server_hostname
            raise OSError("enough")

    names(monkeypatch, ["127.0.0.1"])
    monkeypatch.setattr(targets.ssl, "create_default_context", Context)
    monkeypatch.setattr(targets.socket, "create_connection", lambda *args: socket.socket())
    with pytest.raises(targets.NoAnswer, match="enough"):
        targets.post("https://hooks.example/", b"{}", {})
    assert asked["name"] == "hooks.example"


def test_another_address_of_the_host_is_tried_when_one_is_down(listener, loopback, monkeypatch):
    names(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    real = socket.create_connection

    def connect(address, timeout):
        if address[0] == "127.0.0.2":
            raise ConnectionRefusedError
        return real(address, timeout)

    monkeypatch.setattr(targets.socket, "create_connection", connect)
    assert targets.post(listener.url("hooks.example"), b"{}", {}).status == 200


def test_a_redirect_is_not_followed(listener, loopback):
    listener.status, listener.headers = 302, {"Location": listener.url(path="/elsewhere")}
    assert targets.post(listener.url(), b"{}", {}).status == 302
    assert [path for path, _, _ in listener.calls] == ["/hook"]


def test_only_the_beginning_of_a_long_answer_is_read(listener, loopback):
    listener.body = b"x" * 10_000_000
    listener.headers = {"Content-Length": "10000000"}
    assert len(targets.post(listener.url(), b"{}", {}).text) == targets.ANSWER_BYTES


def test_a_server_that_sends_a_byte_now_and_then_is_cut_off(listener, loopback, monkeypatch):
    monkeypatch.setattr(targets, "TOTAL_SECONDS", 0.5)

    def dribble(handler):
        for _ in range(100):
            handler.wfile.write(b"H")
            handler.wfile.flush()
            time.sleep(0.1)

    listener.before = dribble
    with pytest.raises(targets.NoAnswer):
        targets.post(listener.url(), b"{}", {})


def test_nobody_there_is_no_answer(loopback):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with pytest.raises(targets.NoAnswer, match="The connection was refused"):
            targets.post(f"http://127.0.0.1:{probe.getsockname()[1]}/", b"{}", {})


def test_the_environments_proxy_is_not_used(listener, loopback, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert targets.post(listener.url(), b"{}", {}).status == 200


@pytest.mark.parametrize("first", [b"", b"\x16\x03\x03\x40\x00"], ids=["silent", "a byte now and then"])
def test_a_handshake_that_never_ends_is_cut_off(loopback, monkeypatch, first):
    monkeypatch.setattr(targets, "TOTAL_SECONDS", 0.5)
    done = threading.Event()

    def dribble():
        line, _ = server.accept()
        with line, contextlib.suppress(OSError):
            line.sendall(first)
            while first and not done.wait(0.1):
                line.sendall(b"x")
            done.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=dribble, daemon=True).start()
        try:
            with pytest.raises(targets.NoAnswer, match="No complete response"):
                targets.post(f"https://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})
        finally:
            done.set()


def test_a_name_server_that_never_answers_is_not_waited_for(loopback, monkeypatch):
    monkeypatch.setattr(targets, "LOOKUP_SECONDS", 0.2)
    done = threading.Event()
    monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *args, **options: done.wait(60))
    try:
        for _ in range(targets.LOOKUPS + 2):
            with pytest.raises(targets.BadTarget, match="cannot be found"):
                targets.check("https://hooks.example/")
    finally:
        done.set()


def test_ten_addresses_that_swallow_connections_are_given_up_together(loopback, monkeypatch):
    monkeypatch.setattr(targets, "TOTAL_SECONDS", 0.3)
    names(monkeypatch, [f"127.0.0.{number}" for number in range(1, 11)])
    tried = []

    def swallow(address, timeout):
        tried.append(address)
        time.sleep(0.2)
        raise TimeoutError

    monkeypatch.setattr(targets.socket, "create_connection", swallow)
    with pytest.raises(targets.NoAnswer, match="No complete response"):
        targets.post("http://hooks.example/", b"{}", {})
    assert len(tried) < 10
