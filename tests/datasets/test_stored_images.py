"""Single pictures of a version: read out of its packs, kept by browsers."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image
from upload_builders import encoded, zipped

from portal.datasets import indexes
from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from tests.factories import class_zip, png


@pytest.fixture
def pets(team, alice, run_jobs):
    version = create_version(team, alice, "Pets", class_zip())
    run_jobs()
    return DatasetVersion.objects.get(pk=version.pk)


def test_a_picture_is_served_as_training_gets_it_and_to_the_team_alone(client, pets, alice, bob, charlie):
    url = reverse("dataset-image", args=[pets.pk, "000001.png"])
    for person in (alice, bob):
        client.force_login(person)
        answer = client.get(url)
        assert answer["Content-Type"] == "image/png" and answer.content.startswith(b"\x89PNG")
    for name in ("999999.png", "000000.png", "label.txt", "1.png", "9" * 19 + ".png", "000001.svg"):
        assert client.get(reverse("dataset-image", args=[pets.pk, name])).status_code == 404, name
    client.force_login(charlie)
    assert client.get(url).status_code == 404
    assert client.get(reverse("dataset-thumb", args=[pets.pk, 1])).status_code == 404


def test_a_browser_keeps_a_picture_and_is_told_that_it_is_the_same(client, pets, alice):
    client.force_login(alice)
    with indexes.opened(pets) as index:
        sha256 = index.image(3).sha256
    answer = client.get(reverse("dataset-image", args=[pets.pk, "000003.png"]))
    assert answer["ETag"] == f'"{sha256}"'
    assert "private" in answer["Cache-Control"] and "max-age=31536000" in answer["Cache-Control"]
    again = client.get(answer.request["PATH_INFO"], headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304 and again.content == b"" and again["ETag"] == answer["ETag"]


def test_a_large_picture_has_a_small_one_and_a_small_one_is_its_own(client, team, alice, run_jobs):
    noise = Image.effect_noise((600, 300), 80).convert("RGB")
    files = {"a/1.jpg": encoded(noise, "JPEG"), "a/2.png": png((1, 2, 3)), "b/1.png": png((4, 5, 6)),
             "b/2.png": png((7, 8, 9))}  # fmt: skip
    version = create_version(team, alice, "Mixed", SimpleUploadedFile("mixed.zip", zipped(files)))
    run_jobs()
    client.force_login(alice)
    with indexes.opened(version.__class__.objects.get(pk=version.pk)) as index:
        ids = {image.original: image.id for image in index.all()}
    large = client.get(reverse("dataset-thumb", args=[version.pk, ids["a/1.jpg"]]))
    assert large["Content-Type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(large.content)).size) < 600
    small = client.get(reverse("dataset-thumb", args=[version.pk, ids["a/2.png"]]))
    assert small.content == png((1, 2, 3))
    assert large["ETag"] != client.get(reverse("dataset-image", args=[version.pk, "000001.jpg"]))["ETag"]


def test_a_picture_whose_pack_is_lost_is_not_found(client, pets, alice):
    client.force_login(alice)
    pack = pets.packs.get()
    pack.file.storage.delete(pack.file.name)
    assert client.get(reverse("dataset-image", args=[pets.pk, "000001.png"])).status_code == 404


def test_a_version_that_is_being_checked_has_no_pictures(client, team, alice, transactional_db):
    version = create_version(team, alice, "Pets", class_zip())
    client.force_login(alice)
    assert client.get(reverse("dataset-image", args=[version.pk, "000001.png"])).status_code == 404
