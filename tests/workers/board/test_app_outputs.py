"""Where an application on a board sends what it sees: MQTT, serial port, HTTP, file; and what it does while
that is away."""

from __future__ import annotations

import http.server
import importlib
import os
import socket
import ssl
import sys
import threading
import time
import tty
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.certificates import self_signed

APP = Path(__file__).resolve().parents[3] / "workers" / "board" / "app"


@pytest.fixture
def app_modules(monkeypatch):
    monkeypatch.syspath_prepend(str(APP))
    for name in ("mqtt", "outputs"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("outputs"), importlib.import_module("mqtt")
    for name in ("mqtt", "outputs"):
        sys.modules.pop(name, None)


def wait(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


class Broker(threading.Thread):
    """Speaks MQTT 3.1.1 with one client: real packets, checked byte by byte."""

    def __init__(self, code: int = 0, port: int = 0, certificate: str = ""):
        super().__init__(daemon=True)
        self.certificate = certificate
        self.server = socket.create_server(("127.0.0.1", port))
        self.port, self.code = self.server.getsockname()[1], code
        self.connect, self.published, self.kinds = b"", [], []
        self.start()

    def run(self):
        client, _address = self.server.accept()
        self.server.close()
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            try:
                client = context.wrap_socket(client, server_side=True)
            except OSError:
                return
        with client:
            while True:
                head = client.recv(1)
                if not head:
                    return
                length, shift = 0, 0
                while True:
                    digit = client.recv(1)[0]
                    length |= (digit & 127) << shift
                    shift += 7
                    if not digit & 128:
                        break
                body = b""
                while len(body) < length:
                    body += client.recv(length - len(body))
                self.answer(client, head[0], body)

    def answer(self, client, head, body):
        kind, qos = head >> 4, head >> 1 & 3
        self.kinds.append(kind)
        if kind == 1:
            self.connect = body
            client.sendall(bytes([0x20, 2, 0, self.code]))
        elif kind == 3:
            size = int.from_bytes(body[:2], "big")
            topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
            self.published.append((topic, rest[2:] if qos else rest, qos))
            if qos:
                client.sendall(bytes([0x40, 2]) + rest[:2])
        elif kind == 12:
            client.sendall(bytes([0xD0, 0]))


def test_mqtt_connects_publishes_and_pings_as_the_standard_says(app_modules):
    _outputs, mqtt = app_modules
    broker = Broker()
    publisher = mqtt.Publisher("127.0.0.1", broker.port, "board-1", "bench", "secret", keepalive=0)
    publisher.publish("line/1", "划痕".encode())
    publisher.publish("line/1", b"x" * 300_000, qos=1)
    publisher.keep_alive()
    publisher.close(politely=True)
    assert wait(lambda: broker.kinds == [1, 3, 3, 12, 14])
    assert broker.connect == (
        b"\0\4MQTT\4\xc2\0\0" b"\0\7board-1" b"\0\5bench" b"\0\6secret"
    )  # fmt: skip
    assert broker.published == [("line/1", "划痕".encode(), 0), ("line/1", b"x" * 300_000, 1)]


def test_with_tls_the_brokers_certificate_is_checked(app_modules, tmp_path, monkeypatch):
    _outputs, mqtt = app_modules
    file = tmp_path / "broker.pem"
    file.write_bytes(self_signed())
    ca = file.read_text().partition("-----BEGIN PRIVATE KEY")[0]
    broker = Broker(certificate=str(file))
    publisher = mqtt.Publisher("127.0.0.1", broker.port, "x", tls=True, ca=ca)
    publisher.publish("line/1", b"seen", qos=1)
    publisher.close()
    assert broker.published == [("line/1", b"seen", 1)]
    for host, more in (("127.0.0.1", {}), ("localhost", {"ca": ca})):
        with pytest.raises(OSError, match="certificate is not accepted"):
            mqtt.Publisher(host, Broker(certificate=str(file)).port, "x", tls=True, **more)
    monkeypatch.setitem(sys.modules, "ssl", None)
    with pytest.raises(OSError, match="no ssl module"):
        mqtt.Publisher("127.0.0.1", Broker().port, "x", tls=True)


def test_a_broker_that_refuses_says_why(app_modules):
    _outputs, mqtt = app_modules
    with pytest.raises(OSError, match="wrong user or password"):
        mqtt.Publisher("127.0.0.1", Broker(code=4).port, "x", "bench", "guess")


def test_a_broker_that_is_away_is_waited_for_within_a_bound(app_modules, tmp_path, capsys):
    outputs, _mqtt = app_modules
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "kind": "mqtt",
        "host": "127.0.0.1",
        "port": port,
        "topic": "t",
        "password": "secret",
        "qos": 1,
    }
    output = outputs.Output(settings, str(tmp_path), most=3, pause=0.05)
    output.start()
    for number in range(5):
        output.put(b"%d" % number)
    assert wait(lambda: output.problem)
    state = output.state()
    assert (state["waiting"], state["dropped"], state["sent"]) == (3, 2, 0)
    assert "refused" in state["problem"] and "secret" not in str(state)
    broker = Broker(port=port)
    assert wait(lambda: [line for _topic, line, _qos in broker.published] == [b"2", b"3", b"4"])
    assert wait(lambda: output.state()["waiting"] == 0 and not output.problem)
    output.finish(5)
    assert capsys.readouterr().out.count("trying again") == 1, "a log is not filled with one sentence"


def test_an_error_is_told_in_words(app_modules):
    outputs, _mqtt = app_modules
    told = outputs.words_of
    assert told(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert told(URLError(ConnectionRefusedError(111, "Connection refused"))) == "Connection refused"
    assert (
        told(FileNotFoundError(2, "No such file or directory", "/dev/ttyS9"))
        == "/dev/ttyS9: No such file or directory"
    )
    assert told(OSError("mqtt: refused")) == "mqtt: refused"


def test_a_serial_port_gets_lines_and_one_that_is_missing_is_waited_for(app_modules, tmp_path):
    outputs, _mqtt = app_modules
    master, slave = os.openpty()
    tty.setraw(slave)
    output = outputs.Output({"kind": "serial", "device": os.ttyname(slave), "baud": 9600}, str(tmp_path))
    output.start()
    output.put(b'{"label": "a"}')
    assert os.read(master, 100) == b'{"label": "a"}\n'
    output.finish(5)
    missing = outputs.Output(
        {"kind": "serial", "device": "/dev/ttyS99", "baud": 9600}, str(tmp_path), pause=0.05
    )
    missing.start()
    assert wait(lambda: "No such file" in missing.problem)
    missing.finish(5)


def test_http_gets_lines_and_a_refused_one_is_counted(app_modules, tmp_path):
    outputs, _mqtt = app_modules
    got, codes = [], [500, 200, 400, 200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(codes.pop(0))
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    output = outputs.Output({"kind": "http", "url": url}, str(tmp_path), pause=0.05)
    output.start()
    for line in (b"1", b"2", b"3"):
        output.put(line)
    assert wait(lambda: got == [b"1", b"1", b"2", b"3"] and output.sent == 2 and output.refused == 1)
    output.finish(5)
    server.shutdown()


def test_a_file_is_bounded(app_modules, tmp_path):
    outputs, _mqtt = app_modules
    target = outputs.File({"path": "a.jsonl", "most_bytes": 100}, str(tmp_path))
    for number in range(30):
        target.send(b"line %02d" % number)
    target.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"a.jsonl", "a.jsonl.1"} and max(sizes.values()) <= 100
    assert (tmp_path / "a.jsonl").read_text().endswith("line 29\n")
