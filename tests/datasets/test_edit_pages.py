"""Reviewing and editing in the browser: the grid, one image, the changes. Nothing here needs a script."""

import pytest
from django.urls import reverse

from portal.datasets import drafts
from portal.datasets.draft_models import DraftChange
from portal.datasets.models import DatasetVersion
from tests.datasets.index_builders import boxed, classified, ready_version


@pytest.fixture
def version(team, alice):
    return ready_version(team, alice)


def url(name, version, *args):
    return reverse(name, args=[version.pk, *args])


def text(client, address, **query):
    return " ".join(client.get(address, query).content.decode().split())


def shown(page):
    """The ids of the images that a page of the grid shows."""
    return [int(part.split('"')[0]) for part in page.split('id="image-')[1:]]


def test_the_grid_filters_by_class_split_finding_and_path(alices, version):
    address = url("dataset-images", version)
    assert len(shown(text(alices, address))) == 24
    assert (
        shown(text(alices, address, class_id=1, split="val")) == [9, 10]
        or len(shown(text(alices, address, class_id=1, split="val"))) == 2
    )
    assert len(shown(text(alices, address, text="bird/"))) == 8
    assert "No matching images" in text(alices, address, text="nowhere")


def test_what_cannot_be_filtered_by_is_told_at_its_field(alices, version):
    page = text(alices, url("dataset-images", version), class_id="99", mark="<x>", split="dev", after="-1")
    assert page.count("to choose here.") == 3
    assert len(shown(page)) == 24


def test_the_grid_goes_on_by_cursor_and_back(alices, team, alice):
    version = ready_version(team, alice, fill=lambda pack: classified(pack, 50))
    address = url("dataset-images", version)
    first = text(alices, address)
    assert len(shown(first)) == 60 and "Images 1 to 60 of 150" in first
    assert 'href="?after=60"' in first and 'rel="prev"' not in first
    second = text(alices, address, after=60)
    assert shown(second)[0] == 61 and 'href="?after=0"' in second and 'href="?after=120"' in second
    third = text(alices, address, after=120)
    assert len(shown(third)) == 30 and 'rel="next"' not in third and 'href="?after=60"' in third
    filtered = text(alices, address, class_id=1)
    assert len(shown(filtered)) == 50 and 'rel="next"' not in filtered


def test_thumbnails_keep_their_place_and_small_ones_are_enlarged_crisply(alices, version):
    page = text(alices, url("dataset-images", version))
    assert 'width="16" height="12" loading="lazy"' in page and 'class="pixels"' in page


def test_boxes_are_drawn_over_the_picture_with_their_class(alices, team, alice):
    version = ready_version(team, alice, "Street", fill=boxed, task="detection")
    page = text(alices, url("dataset-images", version))
    assert 'viewBox="0 0 64 48"' in page
    assert '<rect x="30" y="8" width="24.5" height="30"' in page and ">dog</text>" in page


def test_chosen_images_are_relabelled_and_show_what_they_were(alices, version):
    address = url("dataset-images", version) + "?class_id=0"
    answer = alices.post(address, {"act": "relabel", "image": ["1", "2"], "class_id": "1"})
    assert answer.status_code == 302 and answer["Location"] == address
    page = text(alices, address)
    assert page.count('<s class="was">cat</s>') == 2
    assert "1 change" in page
    page = text(alices, url("dataset-images", version), class_id=1)
    assert shown(page)[0] == 9  # the filter is the base's


def test_all_that_the_filter_shows_are_moved_at_once(alices, version):
    alices.post(url("dataset-images", version) + "?class_id=0&text=cat", {"act": "to-val", "scope": "all"})
    assert DraftChange.objects.get().payload == {
        "images": {"filter": {"class_id": 0, "text": "cat"}},
        "split": "val",
    }


def test_undo_redo_and_removal_from_the_grid(alices, version):
    address = url("dataset-images", version)
    alices.post(address, {"act": "remove", "image": "3"})
    assert "shot-removed" in text(alices, address)
    alices.post(address, {"act": "undo"})
    assert "shot-removed" not in text(alices, address)
    alices.post(address, {"act": "redo"})
    assert "shot-removed" in text(alices, address)
    alices.post(address, {"act": "keep", "image": "3"})
    assert "shot-removed" not in text(alices, address)


REFUSED = [
    ({"act": "relabel", "class_id": "1"}, "Choose at least one image first."),
    ({"act": "relabel", "image": "1"}, "Choose one of the classes that are there."),
    ({"act": "relabel", "image": "1", "class_id": "x"}, "Enter a whole number."),
    ({"act": "paint", "image": "1"}, "There is no change called paint"),
    ({"image": "1"}, "This field is required."),
    ({"act": "remove", "image": "99999"}, "Some of these images are not in this version."),
    ({"act": "remove", "image": "1", "scope": "every"}, "There is no “every” to choose here."),
]


@pytest.mark.parametrize(("data", "words"), REFUSED, ids=str)
def test_a_refused_change_says_why_and_keeps_what_was_chosen(alices, version, data, words):
    answer = alices.post(url("dataset-images", version), data)
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page
    if data.get("image") == "1" and "scope" not in data:
        assert 'value="1" form="edit" checked' in page
    assert not DraftChange.objects.exists()


def test_one_image_shows_its_facts_and_its_neighbours_in_the_filter(alices, version):
    page = text(alices, url("dataset-image-page", version, 9), class_id=1)
    assert "dog/" in page and "16 × 12 pixels" in page
    assert 'rel="prev"' not in page
    assert f'rel="next" href="{url("dataset-image-page", version, 10)}?class_id=1"' in page
    assert "1 of 8 matching the filter" in page
    assert f'{url("dataset-images", version)}?class_id=1&amp;#image-9"' in page
    assert alices.get(url("dataset-image-page", version, 99)).status_code == 404


def test_one_image_is_changed_on_its_page_box_by_box(alices, team, alice):
    version = ready_version(team, alice, "Street", fill=boxed, task="detection")
    address = url("dataset-image-page", version, 2)
    alices.post(address, {"act": "relabel-box", "image": "2", "box": "0", "class_id": "2"})
    alices.post(address, {"act": "remove-box", "image": "2", "box": "1"})
    page = text(alices, address)
    assert "was cat" in page and '<s class="text-break">dog</s>' in page
    assert page.count("<rect") == 1


def test_classes_and_split_are_changed_on_the_page_of_changes(alices, version):
    address = url("dataset-changes", version)
    alices.post(address, {"act": "rename", "class_id": "0", "name": "猫"})
    alices.post(address, {"act": "merge", "class_id": "1", "into": "0"})
    alices.post(address, {"act": "resplit", "how": "group", "pattern": r"(\d+)\.", "val_percent": "30"})
    page = text(alices, address)
    for words in ("The class cat was renamed to 猫.", "The class dog was merged into cat.", "by groups of"):
        assert words in page
    answer = alices.post(address, {"act": "rename", "class_id": "2", "name": "猫"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "There is a class 猫 already" in page and 'value="猫"' in page


def test_only_a_test_split_is_drawn_and_a_refused_choice_stays(alices, version):
    address = url("dataset-changes", version)
    alices.post(address, {"act": "resplit", "how": "test"})
    assert "A test split is drawn: 10 % of the training images, seed 0." in text(alices, address)
    alices.post(address, {"act": "resplit", "how": "stratified"})
    answer = alices.post(address, {"act": "resplit", "how": "test"})
    page = " ".join(answer.content.decode().split())
    assert answer.status_code == 422 and "The whole split is drawn anew already" in page
    assert 'id="how_test" value="test" checked' in page


def test_a_version_is_made_of_the_changes_and_the_page_leads_there(alices, version, run_jobs):
    alices.post(url("dataset-images", version), {"act": "remove", "image": "3"})
    answer = alices.post(url("dataset-commit", version), {"message": "blurred ones out"})
    made = DatasetVersion.objects.get(number=2)
    assert answer["Location"] == url("dataset-version", made)
    run_jobs()
    page = text(alices, url("dataset-version", made))
    assert "What changed from v1" in page and "0 added, 1 removed, 0 relabelled, 0 moved" in page
    assert "from v1" in text(alices, url("dataset-version", made))
    page = text(alices, url("dataset-changes", version))
    assert "v1 is not the newest version, v2 is" in page


def test_changes_that_fail_lead_back_to_where_they_can_be_corrected(alices, version, run_jobs):
    alices.post(url("dataset-images", version) + "?class_id=0", {"act": "remove", "scope": "all"})
    alices.post(url("dataset-commit", version))
    run_jobs()
    page = text(alices, url("dataset-version", DatasetVersion.objects.get(number=2)))
    assert "This version could not be made." in page and url("dataset-changes", version) in page


def test_discarded_changes_are_gone(alices, version, alice):
    alices.post(url("dataset-images", version), {"act": "remove", "image": "3"})
    alices.post(url("dataset-discard", version))
    assert drafts.open_draft(alice, version.dataset) is None
    assert "shot-removed" not in text(alices, url("dataset-images", version))
    assert alices.post(url("dataset-discard", version)).status_code == 404


def test_changes_to_another_version_are_told_and_nothing_is_mixed(alices, version, team, alice):
    second = ready_version(team, alice)
    alices.post(url("dataset-images", version), {"act": "remove", "image": "3"})
    page = text(alices, url("dataset-images", second))
    assert "You have changes to Pets v1 that are not a version yet." in page and 'id="edit"' not in page
    answer = alices.post(url("dataset-images", second), {"act": "remove", "image": "1"})
    assert answer.status_code == 422


def test_a_viewer_sees_the_images_and_no_way_to_change_them(client, bob, version):
    client.force_login(bob)
    page = text(client, url("dataset-images", version))
    assert len(shown(page)) == 24 and 'id="edit"' not in page and 'type="checkbox"' not in page
    assert client.post(url("dataset-images", version), {"act": "remove", "image": "1"}).status_code == 403


def test_a_version_that_is_not_ready_has_no_grid(alices, version):
    version.job.status = "running"
    version.job.save()
    assert alices.get(url("dataset-images", version)).status_code == 404
