"""The page on which a person confirms how an upload was read, has it read again, or discards it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from review_builders import READING, doubtful, waiting_version
from upload_builders import zipped

from portal.datasets import reviews, services
from portal.datasets.states import Review
from tests.factories import class_zip, png

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(team, alice, run_jobs):
    return waiting_version(team, alice, run_jobs)


def page(client, version, **query) -> str:
    answer = client.get(reverse("dataset-version", args=[version.pk]), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_page_shows_what_was_understood(alices, waiting):
    shown = page(alices, doubtful(waiting))
    for words in (
        "Check how the upload was read", READING["question"], "Looks right", "Read it this way",
        "What is left out",
        "files that are no images", "A table names the same images.", "Other ways to read it", "Needs review",
        "thumbs/1", "Read again",
    ):  # fmt: skip
        assert words in shown, words
    assert "Train with it" not in shown


def test_the_page_confirms_reads_again_and_discards(alices, waiting, run_jobs):
    doubtful(waiting)
    page_of = reverse("dataset-version", args=[waiting.pk])
    answer = alices.post(reverse("dataset-review-reread", args=[waiting.pk]), {"alternative": "0"})
    assert answer["Location"] == page_of
    waiting.refresh_from_db()
    assert waiting.options["reading"] == {"label_column": "breed", "tables": ["labels.csv"], "as": "csv"}
    answer = alices.post(reverse("dataset-review-discard", args=[waiting.pk]))
    assert answer["Location"] == page_of  # it is being checked


def test_a_form_says_only_what_was_changed(alices, waiting):
    doubtful(waiting)
    fields = {
        "format": "folders",
        "role_0": "class",
        "role_1": "ignored",
        "ignore": "docs\n",
        "val_percent": "30",
    }
    alices.post(reverse("dataset-review-reread", args=[waiting.pk]), fields)
    waiting.refresh_from_db()
    assert waiting.options == {
        "val_fraction": 0.3, "reading": {"ignore": ["docs"], "roles": {"dog": "ignored"}}
    }  # fmt: skip


def test_a_form_that_cannot_be_meant_is_shown_again(alices, waiting):
    fields = {"format": "papyrus", "val_percent": "99"}
    answer = alices.post(reverse("dataset-review-reread", args=[waiting.pk]), fields)
    assert answer.status_code == 422
    assert "Check how the upload was read" in answer.content.decode()


def test_a_plain_folder_of_photographs_is_labelled_here_without_a_second_upload(
    team, alice, alices, run_jobs
):
    photographs = zipped({f"photos/{number}.png": png(number) for number in range(6)})
    version = services.create_version(
        team, alice, "Screws", SimpleUploadedFile("photos.zip", photographs), {}
    )
    run_jobs()
    shown = page(alices, version)
    assert "holds only one class (photos)" in shown and "Draw boxes around objects" in shown
    address = reverse("dataset-review-reread", args=[version.pk])
    refused = alices.post(address, {"labelling": "1", "format": "unlabelled", "class_names": " "})
    assert refused.status_code == 422 and "This field is required" in refused.content.decode()
    alices.post(address, {"labelling": "1", "format": "unlabelled", "class_names": "screw\nnut"})
    run_jobs()
    version.refresh_from_db()
    assert version.in_review and version.task == "detection" and version.class_names == ["screw", "nut"]


def test_charlie_and_a_viewer_confirm_nothing(client, waiting, charlie, people):
    client.force_login(charlie)
    for act in ("confirm", "reread", "discard"):
        assert client.post(reverse(f"dataset-review-{act}", args=[waiting.pk])).status_code in (403, 404)
    waiting.refresh_from_db()
    assert waiting.in_review


def test_the_version_says_later_how_it_was_read(alices, alice, waiting):
    reviews.confirm(doubtful(waiting), alice)
    shown = page(alices, waiting)
    assert "How it was read" in shown and "by alice" in shown


@pytest.mark.parametrize(
    "odd",
    [[], "words", {"chosen": {"format": "folders"}}, {"alternatives": 3}, {"chosen": 7, "certain": False}],
)
def test_a_reading_that_no_page_could_show_is_left_out(team, alice, odd):
    version = services.create_version(team, alice, "Pets", class_zip())
    assert reviews.after_check(version, {"certain": False, "reading": odd})
    version.refresh_from_db()
    assert version.reading is None and version.review == Review.WAITING


def test_a_refused_upload_offers_other_ways_to_read_it(alices, team, alice, run_jobs):
    version = services.create_version(team, alice, "Pets", class_zip(classes=["cat"]))
    run_jobs()
    version.refresh_from_db()
    assert version.reading["chosen"]["format"] == "folders"
    shown = page(alices, version)
    assert "This upload cannot be used." in shown and "Read it differently" in shown and "Read again" in shown


def test_the_dataset_page_says_how_the_next_upload_is_read(alices, alice, waiting):
    reviews.confirm(doubtful(waiting), alice)
    answer = alices.get(reverse("dataset-detail", args=[waiting.dataset_id])).content.decode()
    assert "The next upload is read as v1 was: class folders." in answer


def test_the_form_offers_the_columns_of_the_table(alices, team, alice, run_jobs):
    rows = [f"{n}.png,{('pug', 'beagle')[n % 2]},{n}" for n in range(10)]
    files = {f"all/{n}.png": png((20 * n, 7, 9)) for n in range(10)}
    table = "\n".join(["file,race,weight", *rows]).encode()
    upload = SimpleUploadedFile("dogs.zip", zipped({**files, "dogs.csv": table}))
    version = services.create_version(team, alice, "Dogs", upload, {"review": True})
    run_jobs()
    version.refresh_from_db()
    assert version.reading["chosen"]["columns"] == ["file", "race", "weight"], version.job.message
    assert '<option value="weight"></option>' in page(alices, version)
