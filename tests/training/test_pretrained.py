"""Pretrained weights from a folder and from a web server, and the sentence when there are none."""

from __future__ import annotations

import hashlib
import pickle
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from portal.core import configs
from portal.training import pretrained

WEIGHTS = pickle.dumps({"conv.weight": b"w" * 300_000})
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
NAME = "tiny_pretrained.pdparams"


class Handler(BaseHTTPRequestHandler):
    """Answers by path; what is asked is noted in the server's ``asked``."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        body = b"<html>Sign in to the Wi-Fi.</html>" if self.path == "/page" else WEIGHTS
        self.send_response(200)
        if self.path != "/unsized":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # Closed in the middle: with a length the client can tell, without one only the content does.
        whole = self.path not in ("/broken", "/unsized", "/silent")
        self.wfile.write(body if whole else body[: len(body) // 2])
        if self.path == "/silent":
            self.server.ending.wait()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.asked, running.ending = [], threading.Event()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.ending.set()
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture(autouse=True)
def places(settings, tmp_path):
    settings.CACHE_DIR, settings.PRETRAINED_DIR = tmp_path / "cache", tmp_path / "own"
    settings.PRETRAINED_DIR.mkdir()
    settings.PRETRAINED_DOWNLOAD = True


def recipe(server, path="/weights", sha256=SHA256):
    port = server if isinstance(server, int) else server.server_port
    weights = configs.Pretrained(url=f"http://127.0.0.1:{port}{path}", file=NAME, sha256=sha256)
    return replace(configs.recipes()["pp_lcnet_x0_25"], title="Tiny", pretrained=weights, ssld=None)


def left(settings) -> list[str]:
    """What lies in the cache, without the empty lock."""
    folder = Path(settings.CACHE_DIR) / "pretrained"
    return sorted(path.name for path in folder.glob("*") if path.suffix != ".lock") if folder.exists() else []


@pytest.mark.parametrize("sha256", [SHA256, None], ids=["with a checksum", "without one"])
def test_weights_are_downloaded_once(server, settings, sha256):
    for _ in range(2):
        path, notice = pretrained.find(recipe(server, sha256=sha256))
        assert (path.read_bytes(), notice) == (WEIGHTS, None)
    assert server.asked == ["/weights"]
    assert left(settings) == [NAME]


@pytest.mark.parametrize(
    ("path", "sha256", "words"),
    [
        ("/weights", "0" * 64, "its SHA-256 is another"),
        ("/page", None, "it is not a Paddle parameter file, or it is incomplete"),
        ("/unsized", None, "it is not a Paddle parameter file, or it is incomplete"),
        ("/broken", None, "the transfer broke off"),
        ("/missing", SHA256, "the server answers 404"),
    ],
)
def test_what_is_not_the_whole_right_file_is_told_and_not_kept(server, settings, path, sha256, words):
    found, notice = pretrained.find(recipe(server, path, sha256))
    assert found is None
    assert (
        words in notice and "trained from scratch" in notice and f"Put {NAME} into PRETRAINED_DIR" in notice
    )
    assert left(settings) == []
    found, notice = pretrained.find(recipe(server))
    assert found and notice is None, "and the next run can have the right one"


def test_a_server_that_is_not_there_is_told(settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found, notice = pretrained.find(recipe(free.getsockname()[1]))
    assert found is None and left(settings) == []
    assert "could not be downloaded" in notice and "the server cannot be reached" in notice


def test_a_server_that_stops_talking_is_given_up(server, settings, monkeypatch):
    monkeypatch.setattr(pretrained, "READ_SECONDS", 0.2)
    found, notice = pretrained.find(recipe(server, "/silent"))
    assert found is None and "stopped answering" in notice and left(settings) == []


def test_a_download_that_takes_for_ever_is_given_up(server, settings, monkeypatch):
    monkeypatch.setattr(pretrained, "DOWNLOAD_SECONDS", -1)
    found, notice = pretrained.find(recipe(server))
    assert found is None and "the server takes too long" in notice and left(settings) == []


def test_a_file_in_the_folder_is_used_without_a_network(settings):
    (settings.PRETRAINED_DIR / NAME).write_bytes(WEIGHTS)
    settings.PRETRAINED_DOWNLOAD = False
    assert pretrained.find(recipe(1)) == (settings.PRETRAINED_DIR / NAME, None)


@pytest.mark.parametrize(("content", "sha256"), [(b"wrong", SHA256), (b"", None), (WEIGHTS[:-9], None)])
def test_a_wrong_file_in_the_folder_is_told_and_left_alone(server, settings, content, sha256):
    own = settings.PRETRAINED_DIR / NAME
    own.write_bytes(content)
    found, notice = pretrained.find(recipe(server, sha256=sha256))
    assert found is None and server.asked == []
    assert "in PRETRAINED_DIR cannot be used" in notice and "Replace the file and run again." in notice
    assert own.read_bytes() == content


def test_downloads_that_are_switched_off_say_where_to_put_the_file(server, settings):
    settings.PRETRAINED_DOWNLOAD = False
    found, notice = pretrained.find(recipe(server))
    assert found is None and server.asked == []
    assert notice.startswith("Downloads are switched off") and "Put the file there" in notice


def test_a_damaged_copy_in_the_cache_is_replaced(server, settings):
    cached = Path(settings.CACHE_DIR) / "pretrained" / NAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(WEIGHTS[:1000])
    (cached.parent / f".{NAME}.part").write_bytes(b"left by a killed worker")
    assert pretrained.find(recipe(server)) == (cached, None)
    assert cached.read_bytes() == WEIGHTS and left(settings) == [NAME]


def test_many_at_once_download_once(server, settings):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(pretrained.find(recipe(server)))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cached = Path(settings.CACHE_DIR) / "pretrained" / NAME
    assert found == [(cached, None)] * 6
    assert server.asked == ["/weights"] and left(settings) == [NAME]


def test_a_cache_that_cannot_be_written_is_told(server, settings, tmp_path):
    settings.CACHE_DIR = tmp_path / "file"
    settings.CACHE_DIR.write_text("no folder")
    found, notice = pretrained.find(recipe(server))
    assert found is None and "could not be downloaded" in notice


def test_another_file_at_the_same_address_is_refused_later(server, settings, monkeypatch):
    """Where the publisher gives no checksum, the first download is the one that is trusted."""
    book = recipe(server, sha256=None)
    assert pretrained.find(book)[1] is None
    assert pretrained.first_digest(book.pretrained.url) == SHA256
    cached = Path(settings.CACHE_DIR) / "pretrained" / NAME
    cached.unlink()  # as another worker would begin
    other = pickle.dumps({"conv.weight": b"something else"})
    monkeypatch.setattr("tests.training.test_pretrained.WEIGHTS", other)
    found, notice = pretrained.find(book)
    assert found is None and left(settings) == []
    assert f"its SHA-256 is {hashlib.sha256(other).hexdigest()} and was {SHA256} at the first" in notice
    assert f"Put {NAME} into PRETRAINED_DIR" in notice


def test_a_cached_file_that_was_changed_is_not_used(server, settings):
    book = recipe(server, sha256=None)
    cached, _ = pretrained.find(book)
    cached.write_bytes(pickle.dumps({"conv.weight": b"something else"}))
    assert pretrained.find(book) == (cached, None)
    assert cached.read_bytes() == WEIGHTS and server.asked == ["/weights"] * 2


def test_a_download_without_end_is_stopped(server, settings, monkeypatch):
    monkeypatch.setattr(pretrained, "LARGEST", 1000)
    found, notice = pretrained.find(recipe(server))
    assert found is None and "larger than any weights" in notice and left(settings) == []


def test_a_recipe_without_weights_says_so():
    found, notice = pretrained.find(replace(recipe(1), pretrained=None))
    assert (found, notice) == (None, "There are no pretrained weights for Tiny: trained from scratch.")


def with_ssld(server, path):
    book = recipe(server)
    better = configs.Pretrained(f"http://127.0.0.1:{server.server_port}{path}", None, "tiny_ssld.pdparams")
    return replace(book, ssld=better)


def test_distilled_weights_come_before_the_plain_ones(server, settings):
    path, notice = pretrained.find(with_ssld(server, "/better"))
    assert (path.name, notice) == ("tiny_ssld.pdparams", None)
    assert server.asked == ["/better"]


def test_the_plain_weights_are_used_and_named_where_the_distilled_ones_are_missing(server, settings):
    path, notice = pretrained.find(with_ssld(server, "/missing"))
    assert path.name == NAME and server.asked == ["/missing", "/weights"]
    assert f"started from the plain ones, {NAME}. Put tiny_ssld.pdparams into PRETRAINED_DIR" in notice


def test_without_any_weights_the_plain_ones_say_why(server, settings):
    settings.PRETRAINED_DOWNLOAD = False
    path, notice = pretrained.find(with_ssld(server, "/better"))
    assert path is None and server.asked == []
    assert NAME in notice and "trained from scratch" in notice


@pytest.mark.parametrize("book", configs.recipes().values(), ids=lambda book: book.name)
def test_distilled_weights_are_those_of_the_recipes_own_network(book):
    if book.ssld is not None:
        assert book.ssld.file == f"{book.architecture}_ssld_pretrained.pdparams"
        assert book.ssld.url.endswith("/" + book.ssld.file)
