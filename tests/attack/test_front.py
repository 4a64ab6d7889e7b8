"""Strangers do their worst to a web server with heads and with waiting; others are answered meanwhile."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
import requests

from tests.attack.front import MB, announce, patch, request, say, spooled, status
from tests.attack.web_server import receive, web_server
from tests.bench.tusclient import TusClient
from tests.jobs.helpers import wait_for

# --- people who wait --------------------------------------------------------------------------


def test_it_answers_while_hundreds_have_sent_half_a_head(server, crowd):
    for _ in range(250):
        crowd(server.connect()).sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: loc")
    assert server.answers()


def test_it_answers_while_more_connect_than_one_address_may_hold(server, crowd):
    for _ in range(450):
        crowd(server.connect())
    assert server.answers()


@pytest.mark.parametrize("path", ["/sign-in/", "/api/v1/datasets/", "/datasets/new/"])
def test_it_answers_while_many_bodies_have_one_byte(server, crowd, path):
    for _ in range(60):
        crowd(server.connect()).sendall(request("POST", path, "Content-Length: 1000\r\n", b"x"))
    assert server.answers()


def test_it_answers_while_many_take_no_byte_of_a_large_file(server, crowd):
    asked = request("GET", "/static/vendor/bootstrap/css/bootstrap.min.css").replace(b"close", b"keep-alive")
    for _ in range(60):
        crowd(server.connect()).sendall(asked * 5)
    assert server.answers()


def test_it_answers_while_somebody_signed_in_sends_many_bodies_of_one_byte(server, crowd, token):
    path = announce(server, token, 20 * MB)
    for _ in range(40):
        crowd(server.connect()).sendall(patch(path, token, 20 * MB) + b"x")
    assert server.answers()
    answer = requests.get(
        f"{server.base}/api/v1/me/", headers={"Authorization": f"Bearer {token}"}, timeout=20
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET", b"GET /sign-in/ HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_it_ends_a_head_that_does_not_come(impatient, begun):
    with impatient.connect(30) as sock:
        sock.sendall(begun)
        assert status(receive(sock)) in (0, 408)


def test_it_ends_a_head_that_comes_byte_by_byte(impatient):
    with impatient.connect(30) as sock:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for byte in b"GET /sign-in/ HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 200:
                sock.sendall(bytes([byte]))
                time.sleep(0.1)
        assert time.monotonic() - began < 22  # all of it takes 25 seconds
        receive(sock)


def test_it_says_that_a_body_did_not_come(impatient):
    answer = say(impatient, request("POST", "/api/v1/datasets/", "Content-Length: 1000\r\n", b"x"))
    assert status(answer) == 408 and b"application/problem+json" in answer


def test_it_ends_a_connection_that_asks_for_nothing_more(impatient):
    asked = request("GET", "/sign-in/").replace(b"close", b"keep-alive")
    assert status(say(impatient, asked)) == 200  # ``say`` returns when the server has closed


def test_it_ends_a_reader_who_takes_nothing(impatient):
    asked = request("GET", "/static/vendor/bootstrap/css/bootstrap.min.css").replace(b"close", b"keep-alive")
    with impatient.connect(60) as sock:
        sock.sendall(asked * 60)  # more than the kernel keeps for both sides
        time.sleep(8)
        assert len(receive(sock, 100 * MB)) < 60 * 200_000


# --- heads ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head, expected",
    [
        (request("GET", "/" + "x" * 9000), 414),
        (request("GET", "/", "X: " + "x" * 70_000 + "\r\n"), 431),
        (request("GET", "/", "X: y\r\n" * 101), 431),
        (request("POST", "/", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
        (request("POST", "/", "Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"), 400),
        (request("POST", "/", "Content-Length: -5\r\n", b"hello"), 400),
        (request("POST", "/", "Content-Length: 99999999999999999999\r\n", b"hello"), 400),
        (request("GET", "/", "Host: other\r\n"), 400),
        (request("GET", "/sign-in/%00"), 400),
        (request("GET", "/sign-in/", "Content-Type: text/plain; charset=hex\r\n"), 415),
        (request("GET", "/sign-in/", 'Content-Type: x/y; Charset = "rot13"\r\n'), 415),
        (request("GET", "/api/v1/datasets/?search=%00"), 400),
        (request("GET", "/%ff%fe/"), 404),
        (request("GET", "http://[/"), 400),
        (b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nHost: " + b"a" * 250 + b"\r\nConnection: close\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\x01b\r\nConnection: close\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: \xc3\xa4\r\nConnection: close\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n", 400),
    ],
)
def test_it_refuses_a_head_that_cannot_be_meant(server, head, expected):
    logged = len(server.log)
    answer = say(server, head)
    assert status(answer) == expected
    assert re.search(rb"^x-request-id: [0-9a-f]{32}\r$", answer.partition(b"\r\n\r\n")[0], re.M | re.I)
    assert "Traceback" not in server.log[logged:]


def test_a_refused_head_keeps_the_name_that_it_gave_the_request(server):
    named = "X-Request-ID: from-a-proxy\r\n"
    for head in (request("GET", "/", named + "X: y\r\n" * 101), request("GET", "/", named + "Host: b\r\n")):
        assert b"\r\nx-request-id: from-a-proxy\r\n" in say(server, head).lower()


def test_it_keeps_no_header_that_never_ends(server):
    with server.connect() as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"GET / HTTP/1.1\r\nX: ")
            for _ in range(400):
                sock.sendall(b"x" * 65536)
        assert status(receive(sock)) == 431


def test_it_believes_no_header_that_only_looks_like_the_proxys(server):
    say(server, request("GET", "/sign-in/", "X_Forwarded_Proto: https\r\nCONTENT_LENGTH: 7\r\n"))
    assert server.answers()


# --- answers and logs -------------------------------------------------------------------------


def test_static_files_have_ranges_tags_and_a_length(server):
    url = f"{server.base}/static/core/slipway.css"
    whole = requests.get(url, timeout=30)
    assert int(whole.headers["Content-Length"]) == len(whole.content) > 1000
    part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=30)
    assert part.status_code == 206 and part.content == whole.content[10:20]
    known = requests.get(url, headers={"If-None-Match": whole.headers["ETag"]}, timeout=30)
    assert known.status_code == 304 and not known.content
    head = requests.head(url, timeout=30)
    assert head.headers["Content-Length"] == whole.headers["Content-Length"] and not head.content


def test_an_answer_that_is_made_while_it_is_sent_arrives_whole(server):
    answer = requests.get(f"{server.base}/team/audit.csv", cookies=server.cookies(), timeout=30)
    assert answer.status_code == 200 and answer.headers["Transfer-Encoding"] == "chunked"
    assert len(answer.text.splitlines()) > 1


def test_a_client_that_offers_another_protocol_is_answered_as_others(server):
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    asked = f"GET /sign-in/ HTTP/1.1\r\nHost: localhost\r\n{offer}\r\n".encode()
    with server.connect() as sock:
        for _ in range(2):
            sock.sendall(asked)
            answer = b""
            while b"</html>" not in answer:
                answer += sock.recv(65536)
            assert status(answer) == 200


def test_the_access_log_holds_no_secret_and_no_query(server):
    secrets = ["Inv1tationSecret", "UidBase64", "reset-t0ken", "slw_q1w2e3r4", "inTheQuery"]
    for path in (
        f"/invitations/{secrets[0]}/",
        f"/invitations/{secrets[0]}",
        f"/invitations/{secrets[0]}/more",
        f"/password/new/{secrets[1]}/{secrets[2]}/",
        f"/api/v1/{secrets[3]}/",
        f"/sign-in/?next={secrets[4]}",
    ):
        say(server, request("GET", path))
        say(server, request("POST", path, "Content-Length: 1\r\n", b"x"))
    log = server.log
    assert re.search(r"GET /invitations/\*\*\*/ 4\d\d \d+ B \d+ ms", log)
    assert [secret for secret in secrets if secret in log] == []


def test_what_came_of_an_upload_is_kept_when_the_server_stops(tmp_path):
    with web_server(tmp_path) as stopped:
        token = stopped.client().token
        path = announce(stopped, token, 20 * MB)
        with stopped.connect() as sock:
            sock.sendall(patch(path, token, 20 * MB) + b"x" * 5 * MB)
            wait_for(lambda: spooled(stopped) >= 4 * MB, "almost everything to arrive")
            stopped.stop()
            assert status(receive(sock)) == 204
        kept = sum(one.stat().st_size for one in (tmp_path / "files").rglob("*") if one.is_file())
        assert kept == 5 * MB


def test_tus_sends_a_file_of_several_pieces(server):
    tus = TusClient(server.client())
    size = 70 * MB
    path = tus.create(size, filename="large.zip")
    tus.send(path, size, lambda offset, length: b"x" * length, chunk=size)
    tus.discard(path)
    tus.close()


def test_it_hears_a_refused_client_for_a_moment_only(server):
    began = time.monotonic()
    with server.connect(30) as sock, contextlib.suppress(OSError):
        sock.sendall(request("POST", "/sign-in/", f"Content-Length: {MB * MB}\r\n"))
        while time.monotonic() - began < 60:
            sock.sendall(b"x")
            time.sleep(0.2)
    assert time.monotonic() - began < 14.5  # 3 seconds, looked at once a second; idle connections get 15
