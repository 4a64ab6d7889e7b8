"""Static files are copied once under names with their hash, compressed, and kept by browsers for a year."""

import errno
import re

import pytest
from django.http import HttpResponse
from django.templatetags.static import static
from django.test import RequestFactory
from whitenoise.middleware import WhiteNoiseMiddleware

from portal.ops import static_files


@pytest.fixture
def made(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path / "static"
    static_files.make()
    return settings.STATIC_ROOT


def ask(address, encodings="gzip, br"):
    server = WhiteNoiseMiddleware(lambda request: HttpResponse(status=404))
    return server(RequestFactory().get(address, headers={"Accept-Encoding": encodings}))


def test_without_copies_pages_name_the_files_themselves(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path
    assert static("core/page.js") == "/static/core/page.js"
    assert ask("/static/core/page.js").status_code == 200


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_file_is_named_by_its_hash_compressed_and_kept_for_a_year(made, encoding):
    address = static("core/slipway.css")
    assert re.fullmatch(r"/static/core/slipway\.[0-9a-f]{12}\.css", address)
    answer = ask(address, encoding)
    assert answer.headers["Content-Encoding"] == encoding
    assert (
        "max-age=315360000" in answer.headers["Cache-Control"]
        and "immutable" in answer.headers["Cache-Control"]
    )


def test_scripts_import_each_other_by_the_hashed_names(made):
    curves = next(made.glob("runs/curves.*.js")).read_text()
    assert static("core/charts.js").rpartition("/")[2] in curves
    assert not re.search(r'from "[^"]*/\w+\.js"', curves)


def test_copies_are_made_once_and_again_when_a_file_has_changed(made, monkeypatch):
    calls = []
    monkeypatch.setattr(static_files, "call_command", lambda *args, **options: calls.append(args))
    static_files.make()
    assert calls == []
    monkeypatch.setattr(static_files, "_digest", lambda: "other files")
    static_files.make()
    assert calls == [("collectstatic",)]


def test_on_a_full_disk_the_files_are_served_as_they_are(tmp_path, settings, caplog, monkeypatch):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    settings.STATIC_ROOT = tmp_path / "static"
    monkeypatch.setattr(static_files, "call_command", full)
    static_files.make()
    assert "No space left on device" in caplog.text
    assert static("core/page.js") == "/static/core/page.js"
