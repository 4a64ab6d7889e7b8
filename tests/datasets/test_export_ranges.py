"""A download of an export that broke goes on where it was, and gives the same bytes."""

import io
import zipfile

import pytest
from rest_framework.test import APIClient

from portal.datasets.services import create_version
from tests.factories import class_zip
from workers.datakit.index import Index

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(team, alice, run_jobs):
    version = create_version(team, alice, "Pets", class_zip())
    run_jobs()
    return f"/api/v1/dataset-versions/{version.pk}/export/?format="


@pytest.fixture
def get(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return lambda address, **headers: client.get(address, headers=headers)


def content(answer) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize("format", ["folders", "csv"])
def test_an_export_goes_on_where_its_download_broke(address, get, format):
    first = get(address + format)
    whole = content(first)
    assert first["Accept-Ranges"] == "bytes" and zipfile.ZipFile(io.BytesIO(whole)).testzip() is None
    for start, end in ((1000, ""), (0, 99), (len(whole) - 10, ""), (500, 20_000_000)):
        part = get(address + format, Range=f"bytes={start}-{end}", **{"If-Range": first["ETag"]})
        wanted = whole[start : (end or len(whole)) + 1]
        assert part.status_code == 206 and content(part) == wanted
        assert part["Content-Range"] == f"bytes {start}-{start + len(wanted) - 1}/{len(whole)}"
        assert part["Content-Length"] == str(len(wanted))


def test_another_export_and_bytes_beyond_its_end_are_no_parts(address, get):
    etag, whole = get(address + "csv")["ETag"], content(get(address + "csv"))
    other = get(address + "folders", Range="bytes=5-", **{"If-Range": etag})
    assert other.status_code == 200 and other["ETag"] != etag
    beyond = get(address + "csv", Range=f"bytes={len(whole)}-")
    assert beyond.status_code == 416 and beyond["Content-Range"] == f"bytes */{len(whole)}"
    assert get(address + "csv", **{"If-None-Match": etag}).status_code == 304


def test_an_export_of_which_nobody_reads_a_byte_closes_the_index(address, get, monkeypatch):
    held, enter, close = set(), Index.__enter__, Index.close
    monkeypatch.setattr(Index, "__enter__", lambda index: held.add(index) or enter(index))
    monkeypatch.setattr(Index, "close", lambda index: held.discard(index) or close(index))
    answer = get(address + "csv")
    assert len(held) == 1
    answer.close()
    assert not held
