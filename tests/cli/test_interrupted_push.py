"""A push that is killed at any moment goes on where the portal stands."""

import signal

import pytest
from slipway import Client

from portal.datasets.models import Upload, UploadPiece
from tests.jobs.helpers import PATIENCE_SECONDS, wait_for

pytestmark = pytest.mark.django_db(transaction=True)
MB = 1024 * 1024


@pytest.fixture
def large(pets):
    """The images and a large file beside them: enough to be killed in the middle of."""
    with (pets / "cat" / "notes.bin").open("wb") as file:
        file.truncate(256 * MB)
    return pets


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_goes_on_after_a_kill(portal, start, slipway, large, how):
    process = start("dataset", "push", large, "--name", "Pets", "--piece-mb", 4)
    wait_for(lambda: UploadPiece.objects.exists(), "the first piece")
    process.send_signal(how)
    process.wait(PATIENCE_SECONDS)
    assert process.returncode == (130 if how == signal.SIGINT else -how)
    kept = Upload.objects.get()
    assert 0 < kept.offset < kept.length
    answer = slipway("dataset", "push", large, "--name", "Pets", "--piece-mb", 4, "--json")
    assert answer.code == 0, answer.err
    assert "Going on at" in answer.err
    assert answer.json["images"] == 10
    whole = Upload.objects.get()
    assert whole.pk == kept.pk
    assert whole.version_id == answer.json["id"]


def test_other_files_or_another_name_begin_another_upload(
    portal, slipway, pets, live_server, token_of, alice
):
    client = Client(live_server.url, token_of(alice))
    first = client.upload(pets, "Pets")
    assert client.upload(pets, "Cats")["dataset"] != first["dataset"]
    (pets / "cat" / "0.png").unlink()
    assert client.upload(pets, "Pets")["number"] == 2
    assert Upload.objects.count() == 3
