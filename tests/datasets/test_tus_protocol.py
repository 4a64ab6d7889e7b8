"""tus 1.0 at /api/v1/uploads/: each rule of the protocol, as any tus client would meet it."""

import base64
import hashlib
import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from rest_framework.test import APIClient

from portal.datasets import receiving, tasks, upload_limits, uploads
from portal.datasets.models import Upload, UploadPiece

LIST = "/api/v1/uploads/"
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
BYTES = "application/offset+octet-stream"


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def api(alice):
    return client_of(alice)


def encoded(**values) -> str:
    return ",".join(f"{key} {base64.b64encode(str(text).encode()).decode()}" for key, text in values.items())


def announce(api, length, **values) -> str:
    """Create an upload and return its address."""
    answer = api.post(LIST, HTTP_UPLOAD_LENGTH=str(length), HTTP_UPLOAD_METADATA=encoded(**values), **TUS)
    assert answer.status_code == 201, answer.content
    return answer["Location"]


def send(api, address, offset, data, **headers):
    return api.generic("PATCH", address, data, BYTES, HTTP_UPLOAD_OFFSET=str(offset), **TUS, **headers)


def offset_of(api, address) -> int:
    answer = api.head(address, **TUS)
    assert answer.status_code == 200
    return int(answer["Upload-Offset"])


def stored_files(address) -> list[str]:
    try:
        return default_storage.listdir(f"uploads/{address.rstrip('/').rpartition('/')[2]}")[1]
    except FileNotFoundError:
        return []


def upload_at(address) -> Upload:
    return Upload.objects.get(pk=address.rstrip("/").rpartition("/")[2])


def content(upload) -> bytes:
    return b"".join(piece.file.open("rb").read() for piece in upload.pieces.all())


def test_options_say_what_the_server_speaks(api, settings):
    answer = api.options(LIST)
    assert answer.status_code == 204
    assert answer["Tus-Resumable"] == answer["Tus-Version"] == "1.0.0"
    for extension in ("creation", "creation-with-upload", "checksum", "expiration", "termination"):
        assert extension in answer["Tus-Extension"].split(",")
    assert answer["Tus-Max-Size"] == str(settings.UPLOAD_MAX_BYTES)
    assert "sha1" in answer["Tus-Checksum-Algorithm"].split(",")


def test_a_file_arrives_in_chunks_and_head_says_where_it_stands(api):
    address = announce(api, 10, filename="划痕 a.zip")
    assert offset_of(api, address) == 0
    answer = send(api, address, 0, b"hello ")
    assert (answer.status_code, answer["Upload-Offset"], answer.content) == (204, "6", b"")
    assert answer["Upload-Expires"].endswith("GMT")
    head = api.head(address, **TUS)
    assert (head["Upload-Offset"], head["Upload-Length"], head["Cache-Control"]) == ("6", "10", "no-store")
    assert head["Upload-Metadata"] == encoded(filename="划痕 a.zip")
    assert send(api, address, 6, b"word")["Upload-Offset"] == "10"
    assert content(upload_at(address)) == b"hello word"
    assert upload_at(address).filename == "划痕 a.zip"


def test_the_first_bytes_may_come_with_the_creation(api):
    answer = api.generic("POST", LIST, b"hello", BYTES, HTTP_UPLOAD_LENGTH="9", **TUS)
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "5")
    assert offset_of(api, answer["Location"]) == 5


def test_a_large_chunk_is_kept_in_pieces_as_it_comes(api, settings):
    settings.UPLOAD_PIECE_BYTES = 1000
    data = bytes(range(256)) * 10
    address = announce(api, len(data))
    assert send(api, address, 0, data).status_code == 204
    assert list(UploadPiece.objects.values_list("start", "size")) == [(0, 1000), (1000, 1000), (2000, 560)]
    assert content(upload_at(address)) == data


def broken(data: bytes, size: int, checksum=None) -> receiving.Body:
    """A body of ``size`` bytes of which only ``data`` arrives."""
    return receiving.Body(io.BytesIO(data).read, size, checksum)


def test_what_came_before_a_connection_broke_is_kept(api):
    address = announce(api, 100)
    receiving.append(upload_at(address), 0, broken(b"x" * 40, 100))
    assert offset_of(api, address) == 40
    assert send(api, address, 40, b"y" * 60)["Upload-Offset"] == "100"


def test_a_body_of_unknown_length_is_read_to_its_end_and_not_beyond_what_was_announced(api):
    address = announce(api, 10)
    receiving.append(upload_at(address), 0, receiving.Body(io.BytesIO(b"hello").read, None))
    assert offset_of(api, address) == 5
    with pytest.raises(receiving.TooLarge):
        receiving.append(upload_at(address), 5, receiving.Body(io.BytesIO(b"world and more").read, None))


@pytest.mark.parametrize("offset", [0, 3, 9])
def test_a_wrong_offset_is_409_and_changes_nothing(api, offset):
    address = announce(api, 10)
    send(api, address, 0, b"hello ")
    answer = send(api, address, offset, b"w")
    assert answer.status_code == 409
    assert "stands at byte 6" in answer.json()["detail"]
    assert offset_of(api, address) == 6


def test_the_last_chunk_sent_again_is_answered_as_the_first_time(api):
    address = announce(api, 10)
    send(api, address, 0, b"hello ")
    first, again = send(api, address, 6, b"word"), send(api, address, 6, b"word")
    assert first.status_code == again.status_code == 204
    assert first["Upload-Offset"] == again["Upload-Offset"] == "10"
    assert content(upload_at(address)) == b"hello word"


def test_more_bytes_than_announced_are_413(api):
    address = announce(api, 4)
    assert send(api, address, 0, b"hello").status_code == 413
    assert offset_of(api, address) == 0


def test_two_connections_at_once_get_423_and_a_dead_one_is_taken_over(api):
    address = announce(api, 10)
    later = timezone.now() + timedelta(seconds=5)
    Upload.objects.update(holder="another", held_until=later)
    answer = send(api, address, 0, b"hello")
    assert answer.status_code == 423
    assert "Another connection" in answer.json()["detail"]
    assert api.head(address, **TUS).status_code == 423  # so that nobody sends a chunk in vain
    assert api.get(address).json()["offset"] == 0
    Upload.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert offset_of(api, address) == 0
    assert send(api, address, 0, b"hello").status_code == 204


def test_of_two_connections_that_store_the_same_bytes_one_loses_and_leaves_nothing(api):
    address = announce(api, 10)
    upload = upload_at(address)

    def read(size):
        Upload.objects.update(holder="another")  # as one that took over
        return b"hello"[:size]

    with pytest.raises(receiving.Busy):
        receiving.append(upload, 0, receiving.Body(read, 5))
    assert upload_at(address).offset == 0
    assert stored_files(address) == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_checksum_is_compared_and_460_drops_the_chunk(api, algorithm):
    address = announce(api, 5)
    right = base64.b64encode(hashlib.new(algorithm, b"hello").digest()).decode()
    answer = send(api, address, 0, b"hellu", HTTP_UPLOAD_CHECKSUM=f"{algorithm} {right}")
    assert (answer.status_code, answer.reason_phrase) == (460, "Checksum Mismatch")
    assert offset_of(api, address) == 0 and stored_files(address) == []
    answer = send(api, address, 0, b"hello", HTTP_UPLOAD_CHECKSUM=f"{algorithm} {right}")
    assert answer["Upload-Offset"] == "5"


def test_a_part_of_a_chunk_that_has_a_checksum_is_not_kept(api):
    address = announce(api, 5)
    right = ("sha1", hashlib.sha1(b"hello").digest())
    receiving.append(upload_at(address), 0, broken(b"hel", 5, right))
    assert offset_of(api, address) == 0 and stored_files(address) == []


@pytest.mark.parametrize("value", ["crc64 aGVsbG8=", "sha1 ???", "sha1"])
def test_a_checksum_that_cannot_be_meant_is_400(api, value):
    address = announce(api, 5)
    expected = 460 if value == "sha1" else 400
    assert send(api, address, 0, b"hello", HTTP_UPLOAD_CHECKSUM=value).status_code == expected


def test_an_expired_upload_is_410_its_bytes_are_swept_and_later_the_row(api):
    address = announce(api, 10)
    send(api, address, 0, b"hello")
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api.head(address, **TUS).status_code == 410
    answer = send(api, address, 5, b"world")
    assert answer.status_code == 410 and "start it again" in answer.json()["detail"]
    tasks.sweep_uploads()
    assert stored_files(address) == [] and not UploadPiece.objects.exists()
    assert api.head(address, **TUS).status_code == 410
    assert api.get(address).json()["state"] == "expired"
    Upload.objects.update(expires_at=timezone.now() - uploads.EXPIRED_RETENTION - timedelta(seconds=1))
    tasks.sweep_uploads()
    assert api.head(address, **TUS).status_code == 404


def test_every_chunk_puts_the_expiry_off(api):
    address = announce(api, 10)
    soon = timezone.now() + timedelta(minutes=1)
    Upload.objects.update(expires_at=soon)
    send(api, address, 0, b"hello")
    assert upload_at(address).expires_at > soon + timedelta(hours=1)


def test_termination_removes_everything(api):
    address = announce(api, 10)
    send(api, address, 0, b"hello")
    assert stored_files(address) != []
    assert api.delete(address, **TUS).status_code == 204
    assert stored_files(address) == [] and not Upload.objects.exists()
    assert api.head(address, **TUS).status_code == 404
    assert send(api, address, 5, b"world").status_code == 404


def test_an_upload_discarded_while_bytes_come_keeps_none_of_them(api):
    address = announce(api, 10)
    upload = upload_at(address)

    def read(size):
        uploads.discard(Upload.objects.get(pk=upload.pk))
        return b"hello"

    with pytest.raises(receiving.Missing):
        receiving.append(upload, 0, receiving.Body(read, 5))
    assert stored_files(address) == []


def test_another_version_of_the_protocol_is_412(api):
    address = announce(api, 10)
    for answer in (
        api.post(LIST, HTTP_UPLOAD_LENGTH="5"),
        api.head(address, HTTP_TUS_RESUMABLE="0.2.2"),
        api.generic("PATCH", address, b"x", BYTES, HTTP_UPLOAD_OFFSET="0"),
        api.delete(address),
    ):
        assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")


@pytest.mark.parametrize("value", [None, "", "-1", "many", "1e3", "٣", "9" * 20])
def test_a_length_that_is_no_number_is_400(api, value):
    headers = {} if value is None else {"HTTP_UPLOAD_LENGTH": value}
    assert api.post(LIST, **TUS, **headers).status_code == 400


def test_a_length_to_be_told_later_is_400(api):
    assert api.post(LIST, HTTP_UPLOAD_DEFER_LENGTH="1", **TUS).status_code == 400


@pytest.mark.parametrize("value", ["filename !!!", "filename /w==", "a YQ==,a YQ=="])
def test_metadata_that_cannot_be_read_is_400(api, value):
    answer = api.post(LIST, HTTP_UPLOAD_LENGTH="5", HTTP_UPLOAD_METADATA=value, **TUS)
    assert answer.status_code == 400


def test_metadata_may_have_keys_without_a_value(api):
    answer = api.post(LIST, HTTP_UPLOAD_LENGTH="5", HTTP_UPLOAD_METADATA="confidential, x ", **TUS)
    assert answer.status_code == 201


def test_another_content_type_is_415(api):
    address = announce(api, 5)
    answer = api.generic("PATCH", address, b"hello", "text/plain", HTTP_UPLOAD_OFFSET="0", **TUS)
    assert answer.status_code == 415


def test_a_client_that_knows_only_post_names_the_method_in_a_header(api):
    address = announce(api, 5)
    headers = {"HTTP_UPLOAD_OFFSET": "0", "HTTP_X_HTTP_METHOD_OVERRIDE": "PATCH"}
    assert api.generic("POST", address, b"hello", BYTES, **TUS, **headers)["Upload-Offset"] == "5"
    assert api.post(address, HTTP_X_HTTP_METHOD_OVERRIDE="DELETE", **TUS).status_code == 204
    assert api.post(address, **TUS).status_code == 405


def test_a_file_over_the_servers_limit_is_413_with_a_sentence(api, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    answer = api.post(LIST, HTTP_UPLOAD_LENGTH="1001", HTTP_UPLOAD_METADATA=encoded(filename="a.zip"), **TUS)
    assert answer.status_code == 413
    assert "a.zip has 1001 bytes; this server takes at most 1000 bytes" in answer.json()["detail"]
    assert not Upload.objects.exists()


def test_the_quota_counts_what_is_announced(api, settings):
    settings.TEAM_QUOTA_BYTES = 1000
    address = announce(api, 600)
    answer = api.post(LIST, HTTP_UPLOAD_LENGTH="401", **TUS)
    assert answer.status_code == 413
    assert "has 400 bytes left of its 1000 bytes" in answer.json()["detail"]
    api.delete(address, **TUS)
    announce(api, 1000)


def test_a_disk_without_room_is_507_before_any_byte_is_sent(api, monkeypatch):
    monkeypatch.setattr(
        upload_limits.shutil, "disk_usage", lambda path: shutil_usage(upload_limits.DISK_RESERVE + 1000)
    )
    announce(api, 600)
    answer = api.post(LIST, HTTP_UPLOAD_LENGTH="401", **TUS)
    assert answer.status_code == 507
    assert "room for 400 bytes" in answer.json()["detail"]


def shutil_usage(free):
    return type("Usage", (), {"free": free})()


def test_a_disk_that_fills_up_is_507_and_what_was_stored_stays(api, monkeypatch):
    address = announce(api, 10)
    send(api, address, 0, b"hello")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(receiving.pieces, "store", full)
    answer = send(api, address, 5, b"world")
    assert answer.status_code == 507 and "disk is full" in answer.json()["detail"]
    monkeypatch.undo()
    assert send(api, address, 5, b"world").status_code == 204


def test_too_many_pieces_are_refused(api, monkeypatch):
    monkeypatch.setattr(receiving, "MAX_PIECES", 2)
    address = announce(api, 10)
    for offset in range(2):
        assert send(api, address, offset, b"x").status_code == 204
    answer = send(api, address, 2, b"x")
    assert answer.status_code == 413 and "start it again with chunks of 32.0 MB" in answer.json()["detail"]


def test_another_teams_upload_is_404_and_a_viewer_may_only_look(api, bob, charlie):
    address = announce(api, 10)
    for client, expected in ((client_of(charlie), 404), (client_of(bob), 403), (APIClient(), 401)):
        assert send(client, address, 0, b"hello").status_code == expected
        assert client.delete(address, **TUS).status_code == expected
    assert client_of(bob).get(address).json()["state"] == "receiving"
    assert client_of(charlie).get(address).status_code == 404
    assert client_of(charlie).head(address, **TUS).status_code == 404
    assert client_of(charlie).get(LIST).json()["results"] == []
    assert client_of(bob).post(LIST, HTTP_UPLOAD_LENGTH="5", **TUS).status_code == 403
    assert offset_of(api, address) == 0


def test_the_session_needs_its_token_for_every_change(client, alice):
    client.force_login(alice)
    strict = type(client)(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(LIST, HTTP_UPLOAD_LENGTH="5", **TUS).status_code == 403


def test_leftovers_of_killed_processes_are_swept_after_a_day(db, settings, monkeypatch):
    old = settings.FILE_UPLOAD_TEMP_DIR / "tmpabc.upload.piece"
    old.write_bytes(b"x")
    uploads.sweep_local_files()
    assert old.exists()
    monkeypatch.setattr(uploads, "LEFTOVER_SECONDS", -1)
    uploads.sweep_local_files()
    assert not old.exists()


def test_a_client_finds_its_own_upload_again_by_the_fingerprint_that_it_gave(api, people, charlie, alice):
    address = announce(api, 10, filename="a.zip", fingerprint="划痕.zip|10|(x)|form")
    announce(api, 10, filename="a.zip", fingerprint="划痕.zip|10|(x)|form|more")

    def found(client, fingerprint="划痕.zip|10|(x)|form"):
        return [row["id"] for row in client.get(LIST, {"fingerprint": fingerprint}).json()["results"]]

    assert found(api) == [str(upload_at(address).pk)]
    assert found(api, "another") == found(client_of(charlie)) == found(api, "") == []
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert found(api) == []
