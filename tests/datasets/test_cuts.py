"""Classification datasets that are made of the boxes of a version."""

import io
import zipfile
from array import array

import pytest
from django.urls import reverse
from PIL import Image
from rest_framework.test import APIClient

from portal.datasets import contents, cuts, indexes
from portal.datasets.models import DatasetVersion
from tests.datasets.index_builders import boxed, classified, ready_version
from workers.datakit.cutting import Cut, archive_of
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings
from workers.datakit.limits import Limits

HOW = {"how": "crops", "margin": 0.1, "least_side": 4}


def street_of(pack, images=8):
    """Of 64 × 48 pixels: a large box of class 0, a thin one of class 1 on the odd images, a small one."""
    for number in range(images):
        boxes = [0, 10, 10, 20, 20]
        boxes += [1, 40, 8, 20, 30] if number % 2 else []
        boxes += [0, 1, 1, 2, 2]
        pack.add((30, 30 * number % 256, 90), (64, 48), boxes=array("d", boxes), original=f"{number}.png")
    pack.add((9, 9, 9), (64, 48), boxes=array("d"), original="background.png")


@pytest.fixture
def street(team, alice):
    return ready_version(team, alice, "Street", fill=street_of, class_names=["car", "tram"], task="detection")


def made_of(street, alice, run_jobs, **how):
    version = cuts.create(street, alice, "Street crops", **{**HOW, **how})
    run_jobs()
    version.refresh_from_db()
    assert version.is_ready, version.job.message
    return version


def test_each_box_becomes_a_picture_of_its_class_in_the_split_of_its_image(street, alice, run_jobs):
    made = made_of(street, alice, run_jobs)
    assert (made.task, made.class_names, made.source) == ("classification", ["car", "tram"], street)
    assert {row["name"]: row["total"] for row in made.counts} == {"car": 8, "tram": 4}
    with indexes.opened(street) as index:
        of_split = {row.id: row.split for row in index.all()}
    with indexes.opened(made) as index:
        rows = list(index.all())
    assert all(row.split == of_split[int(row.original.split("/")[-1][:6])] for row in rows)
    assert {(row.width, row.height) for row in rows if row.class_id == 0} == {(24, 24)}
    assert {finding["code"]: finding["count"] for finding in made.findings}["small-boxes-left-out"] == 8
    (_row, content), *_others = contents.reader(made)(iter(rows[:1]))
    assert Image.open(io.BytesIO(content)).size == (24, 24)


def test_whole_images_get_the_one_class_of_their_boxes(street, alice, run_jobs, team):
    def fill(pack):
        for number in range(8):
            boxes = array("d", [number % 2, 10, 10, 20, 20])
            pack.add((30, 30 * number, 90), (64, 48), boxes=boxes, original=f"{number}.png")
        pack.add((1, 2, 3), (64, 48), boxes=array("d", [0, 1, 1, 9, 9, 1, 20, 20, 9, 9]), original="both.png")

    yard = ready_version(team, alice, "Yard", fill=fill, class_names=["car", "tram"], task="detection")
    made = made_of(yard, alice, run_jobs, how="labels")
    assert made.images == 8 and {row["total"] for row in made.counts} == {4}
    assert {finding["code"]: finding["count"] for finding in made.findings}["unclear-images-left-out"] == 1


def test_a_box_over_the_edge_keeps_its_margin_inside_the_image(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (20, 10)).save(tmp_path / "images" / "000001.png")
    record = (
        '{"name": "images/000001.png", "original": "a.png", "split": "train", "boxes": [[0, 15, 5, 5, 5]]}\n'
    )
    (tmp_path / "index.jsonl").write_text(record)
    (tmp_path / "label.txt").write_text("0 a\n")
    cut = Cut(tmp_path, "crops", 1.0, 1)
    made = archive_of(cut, tmp_path / "boxes.zip", Limits(), Findings())
    with zipfile.ZipFile(made) as archive:
        picture = Image.open(io.BytesIO(archive.read("images/000001-0001.png")))
        assert picture.size == (10, 10) and archive.read("train.txt") == b"images/000001-0001.png 0\n"


def test_nothing_large_enough_is_refused_with_a_sentence(street, alice, run_jobs):
    version = cuts.create(street, alice, "Large", **{**HOW, "least_side": 1000})
    run_jobs()
    version.job.refresh_from_db()
    assert "No box is left to make a dataset of" in version.job.message


def test_what_cannot_be_cut_is_refused(street, team, alice):
    with pytest.raises(InputError, match="choose a version with boxes"):
        cuts.create(ready_version(team, alice, "Pets", fill=classified), alice, "New", **HOW)
    one = ready_version(team, alice, "One", fill=lambda pack: boxed(pack, 3), class_names=["a", "b"])
    DatasetVersion.objects.filter(pk=one.pk).update(class_names=["a"], task="detection")
    one.refresh_from_db()
    with pytest.raises(InputError, match="one class only"):
        cuts.create(one, alice, "New", **HOW)
    with pytest.raises(InputError, match="is the dataset with the boxes"):
        cuts.create(street, alice, "Street", **HOW)


def test_a_source_that_is_gone_fails_the_job_with_a_sentence(street, alice, run_jobs):
    version = cuts.create(street, alice, "Street crops", **HOW)
    DatasetVersion.objects.filter(pk=version.pk).update(source=None)
    run_jobs()
    version.job.refresh_from_db()
    assert "The version with the boxes was deleted" in version.job.message


def test_the_page_of_a_version_without_boxes_says_why_and_leads_back(team, alice, client):
    version = ready_version(team, alice)
    client.force_login(alice)
    answer = client.get(reverse("dataset-cut", args=[version.pk]), follow=True)
    assert answer.request["PATH_INFO"] == reverse("dataset-version", args=[version.pk])
    assert "cannot be cut: choose a version with boxes" in answer.content.decode()


def test_the_page_makes_the_dataset_and_says_where_it_comes_from(street, client, alice, run_jobs):
    client.force_login(alice)
    page = reverse("dataset-cut", args=[street.pk])
    assert "Street crops" in client.get(page).content.decode()
    refused = client.post(page, {"name": "Street", "how": "crops", "margin": 10, "least_side": 4})
    assert refused.status_code == 422 and "choose another name" in refused.content.decode()
    answer = client.post(page, {"name": "Parts", "how": "crops", "margin": 10, "least_side": 4})
    run_jobs()
    text = client.get(answer.url).content.decode()
    assert "made from the boxes of" in text and "Street v1" in text


def test_programs_make_the_dataset(street, alice, charlie):
    api = APIClient()
    api.force_authenticate(alice)
    address = f"/api/v1/dataset-versions/{street.pk}/cut/"
    made = api.post(address, {"name": "Parts"}, format="json")
    assert made.status_code == 201 and made.json()["source"] == street.pk
    refused = api.post(address, {"name": "Street"}, format="json")
    assert refused.status_code == 400 and "choose another name" in refused.json()["detail"]
    api.force_authenticate(charlie)
    assert api.post(address, {"name": "Parts"}, format="json").status_code == 404
