"""Datasets: list, version, upload."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from portal.datasets.models import Dataset, DatasetVersion
from tests.factories import class_zip
from tests.seed import Seeder, everything


def text(client, name, *args):
    return " ".join(client.get(reverse(name, args=args)).content.decode().split())


def test_a_version_shows_counts_pictures_findings_split_and_hash(alices, team, alice):
    version = everything(team, alice)["version"]
    page = text(alices, "dataset-version", version.pk)
    for words in ("1204 + 308", "5d41402abc4b", "Two classes are spelled alike", "划痕", "car / Car"):
        assert words in page
    assert reverse("dataset-thumb", args=[version.pk, 1]) in page


def test_a_refused_upload_says_why_and_offers_the_next(alices, team, alice):
    everything(team, alice)
    version = DatasetVersion.objects.get(dataset__name="Parts")
    page = text(alices, "dataset-version", version.pk)
    assert "This upload cannot be used." in page
    assert f"{reverse('dataset-new')}?dataset={version.dataset_id}" in page


def test_a_version_being_checked_asks_again_and_then_loads_the_page_anew(alices, team, alice):
    rows = everything(team, alice)
    assert "hx-get" in text(alices, "dataset-version", rows["checking"].pk)
    assert "hx-get" not in text(alices, "dataset-version", rows["version"].pk)
    answer = alices.get(reverse("dataset-version-live", args=[rows["version"].pk]))
    assert answer["HX-Refresh"] == "true"


def test_an_upload_makes_a_version_and_the_same_name_the_next(alices, transactional_db):
    for number in (1, 2):
        fields = {"name": "Pets", "file": class_zip(), "class_names": "cat\ndog\n", "val_percent": "25",
                  "test_percent": "10"}  # fmt: skip
        answer = alices.post(reverse("dataset-new"), fields)
        version = DatasetVersion.objects.get(number=number)
        assert answer["Location"] == reverse("dataset-version", args=[version.pk])
        assert version.options == {
            "class_names": ["cat", "dog"], "val_fraction": 0.25, "test_fraction": 0.1
        }  # fmt: skip
    assert Dataset.objects.count() == 1


def test_the_limits_stand_beside_the_form_and_are_kept(alices, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    assert "up to 1000 bytes" in text(alices, "dataset-new")
    big = SimpleUploadedFile("big.zip", b"x" * 1001)
    answer = alices.post(reverse("dataset-new"), {"name": "Pets", "file": big})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "this server takes at most 1000 bytes" in page and 'value="Pets"' in page
    assert DatasetVersion.objects.count() == 0


def test_the_next_version_of_a_dataset_has_its_name_filled_in(alices, team, alice):
    version = Seeder(team, alice).version()
    page = alices.get(reverse("dataset-new"), {"dataset": version.dataset_id}).content.decode()
    assert 'value="Handwritten digits"' in page


def test_the_sample_is_one_click_away(alices, transactional_db):
    for page in ("dataset-list", "dataset-new"):
        assert f'action="{reverse("dataset-digits")}"' in text(alices, page)
    answer = alices.post(reverse("dataset-digits"))
    version = DatasetVersion.objects.get()
    assert answer["Location"] == reverse("dataset-version", args=[version.pk])


def test_the_sample_pressed_again_leads_to_the_same_version(alices, transactional_db):
    first = alices.post(reverse("dataset-digits"))
    assert alices.post(reverse("dataset-digits"))["Location"] == first["Location"]
    assert DatasetVersion.objects.count() == 1
