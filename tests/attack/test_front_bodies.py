"""Bodies that are too large, too slow, or cut off: whoever sends them, others are answered meanwhile."""

from __future__ import annotations

import contextlib
import os
import time

import pytest
import requests

from tests.attack.front import MB, announce, offset_of, patch, request, say, spooled, status
from tests.attack.web_server import receive
from tests.containers import proxy as proxies


def sent_before_refusal(server, head: bytes, most: int) -> tuple[int, bytes]:
    """How much of a body somebody could send until the connection ended, and the answer."""
    sent, block = 0, b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with server.connect(30) as sock:
        sock.sendall(head)
        with contextlib.suppress(ConnectionError):
            while sent < most:
                sock.sendall(block)
                sent += len(block)
        return sent, receive(sock)


@pytest.mark.parametrize(
    "path", ["/sign-in/", "/datasets/new/", "/runs/new/", "/invitations/a/", "/nothing/"]
)
def test_it_refuses_a_strangers_large_form_before_it_is_read(server, path):
    head = request(
        "POST", path, f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {200 * MB}\r\n"
    )
    assert status(say(server, head)) == 413
    assert spooled(server) == 0


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "Authorization: Bearer slw_made_up\r\n",
        "Authorization: Basic YTpi\r\n",
        "Cookie: sessionid=abcdefghijklmnopqrstuvwxyz012345\r\n",
    ],
)
def test_it_refuses_a_large_body_whose_sender_is_nobody(server, headers):
    head = request("POST", "/api/v1/datasets/", f"{headers}Content-Length: {200 * MB}\r\n")
    answer = say(server, head)
    assert status(answer) == 401 and b"application/problem+json" in answer
    assert b"www-authenticate" in answer.lower()


@pytest.mark.parametrize("headers", [f"Content-Length: {MB * MB}\r\n", "Transfer-Encoding: chunked\r\n"])
def test_a_client_that_goes_on_sending_reads_the_refusal_and_is_read_no_more(server, headers):
    sent, answer = sent_before_refusal(server, request("POST", "/sign-in/", headers), 200 * MB)
    assert status(answer) == 413
    assert sent < 24 * MB  # with what the system buffers for both sides
    assert spooled(server) == 0


def test_it_counts_the_chunks_of_a_stranger(server):
    head = request("POST", "/sign-in/", "Transfer-Encoding: chunked\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert status(say(server, head + chunk * 20)) == 413


def test_it_takes_a_small_body_in_chunks(server):
    body = b"8\r\nusername\r\n2\r\n=a\r\n0\r\n\r\n"
    answer = say(server, request("POST", "/sign-in/", "Transfer-Encoding: chunked\r\n", body))
    assert status(answer) == 403  # Django has read it and misses the CSRF token


def test_it_refuses_more_than_the_address_takes_from_those_who_are_signed_in(server, token):
    bearer = f"Authorization: Bearer {token}\r\n"
    answer = say(server, request("PATCH", "/api/v1/me/", f"{bearer}Content-Length: {3 * MB}\r\n"))
    assert status(answer) == 413 and b"2.5 MB. Send a file to /api/v1/uploads/" in answer
    answer = say(server, request("POST", "/api/v1/datasets/", f"{bearer}Content-Length: {MB * MB}\r\n"))
    assert status(answer) == 413


def test_it_says_continue_only_to_those_whose_body_is_read(server, token):
    size = 3 * MB
    path = announce(server, token, size)
    with server.connect() as sock:
        sock.sendall(patch(path, token, size, "Expect: 100-continue\r\n"))
        assert sock.recv(65536).startswith(b"HTTP/1.1 100")
        sock.sendall(b"x" * size)
        assert status(receive(sock)) == 204
    head = request("POST", "/sign-in/", f"Expect: 100-continue\r\nContent-Length: {size}\r\n")
    assert status(say(server, head)) == 413


def test_several_large_bodies_and_calls_go_over_one_connection(server, token):
    size = 3 * MB
    path = announce(server, token, 2 * size)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        session.headers["Content-Type"] = "application/offset+octet-stream"
        session.headers["Tus-Resumable"] = "1.0.0"
        for offset in (0, size):
            answer = session.patch(
                server.base + path, b"x" * size, headers={"Upload-Offset": str(offset)}, timeout=30
            )
            assert answer.headers["Upload-Offset"] == str(offset + size)
            assert "close" not in answer.headers.get("Connection", "")
        assert session.get(f"{server.base}/api/v1/me/", timeout=30).status_code == 200


def test_a_large_body_in_chunks_is_received(server, token):
    size = 5 * MB
    path = announce(server, token, size)
    headers = {
        "Authorization": f"Bearer {token}",
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    blocks = (b"x" * 100_000 for _ in range(size // 100_000))
    answer = requests.patch(server.base + path, blocks, headers=headers, timeout=30)
    assert answer.headers["Upload-Offset"] == str(size // 100_000 * 100_000)


def test_what_came_before_a_connection_broke_is_kept(server, token):
    path = announce(server, token, 20 * MB)
    with server.connect() as sock:
        sock.sendall(patch(path, token, 20 * MB) + b"x" * 5 * MB)
    assert offset_of(server, token, path) == 5 * MB


def test_an_upload_that_stands_still_is_ended_and_kept(impatient):
    token = impatient.client().token
    path = announce(impatient, token, 20 * MB)
    answer = say(impatient, patch(path, token, 20 * MB) + b"x" * 5 * MB)
    assert status(answer) == 204 and f"upload-offset: {5 * MB}".encode() in answer.lower()


def test_an_upload_that_drips_is_ended_and_kept(impatient):
    token = impatient.client().token
    path = announce(impatient, token, 20 * MB)
    with impatient.connect(60) as sock, contextlib.suppress(ConnectionError):
        sock.sendall(patch(path, token, 20 * MB) + b"x" * 5 * MB)
        for _ in range(200):
            sock.sendall(b"x")
            time.sleep(0.1)
    assert 5 * MB <= offset_of(impatient, token, path) < 5 * MB + 200


def test_half_a_form_is_no_form(server, token):
    logged = len(server.log)
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n' + b"x" * 4 * MB
    head = request(
        "POST",
        "/api/v1/datasets/",
        f"Authorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {8 * MB}\r\n",
    )
    with server.connect() as sock:
        sock.sendall(head + body)
    time.sleep(1)
    headers = {"Authorization": f"Bearer {token}"}
    assert (
        requests.get(f"{server.base}/api/v1/datasets/", headers=headers, timeout=30).json()["results"] == []
    )
    assert "Traceback" not in server.log[logged:]


def test_a_page_takes_a_large_form_from_somebody_who_is_signed_in(server):
    cookies, page = server.cookies(), f"{server.base}/datasets/new/"
    form = {"name": "large", "csrfmiddlewaretoken": cookies["csrftoken"]}
    content = b"PK" + os.urandom(4 * MB)
    answer = requests.post(page, form, files={"file": ("a.zip", content)}, cookies=cookies, timeout=60)
    assert answer.status_code == 200 and "/datasets/versions/" in answer.url
    stored = [path for path in (server.var / "files").rglob("*") if path.is_file()]
    assert any(path.read_bytes() == content for path in stored)
    assert spooled(server) == 0


def test_many_bodies_in_memory_wait_for_each_other(server, token, crowd):
    bearer = f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    for _ in range(60):
        crowd(server.connect()).sendall(
            request("PATCH", "/api/v1/me/", f"{bearer}Content-Length: {2 * MB}\r\n") + b" " * 200_000
        )
    assert server.answers()


# --- behind the proxy of docker-compose.yml ------------------------------------------------------


@pytest.fixture(scope="module")
def proxy(server, tmp_path_factory):
    behind = server.base.removeprefix("http://")
    with proxies.running(tmp_path_factory.mktemp("proxy"), behind) as found:
        yield found


def test_an_upload_in_pieces_arrives_through_the_proxy(proxy, token):
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    content = {"Content-Type": "application/offset+octet-stream"}
    length = {"Upload-Length": str(2 * MB)}
    made = requests.post(
        f"{proxy.address}/api/v1/uploads/", headers=headers | length, verify=proxy.root, timeout=30
    )
    assert made.status_code == 201
    where = f"{proxy.address}/api/v1/uploads/{made.headers['Location'].rstrip('/').rpartition('/')[2]}/"
    for offset in (0, MB):
        sent = headers | content | {"Upload-Offset": str(offset)}
        found = requests.patch(where, b"a" * MB, headers=sent, verify=proxy.root, timeout=30)
        assert found.status_code == 204
    assert requests.head(where, headers=headers, verify=proxy.root, timeout=30).headers[
        "Upload-Offset"
    ] == str(2 * MB)


def test_static_files_keep_for_years_and_come_compressed_through_the_proxy(proxy):
    page = requests.get(f"{proxy.address}/sign-in/", verify=proxy.root, timeout=30).text
    hashed = page.partition('href="/static/core/slipway.')[2].partition('"')[0]
    found = requests.get(
        f"{proxy.address}/static/core/slipway.{hashed}",
        headers={"Accept-Encoding": "gzip"},
        verify=proxy.root,
        timeout=30,
    )
    assert found.ok and found.headers["Content-Encoding"] == "gzip"
    assert "immutable" in found.headers["Cache-Control"]
