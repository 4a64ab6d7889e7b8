"""Boxes that people draw on the images of a draft."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.datasets import drafts, drawing, indexes
from portal.datasets.box_checks import MAX_BOXES
from portal.datasets.draft_models import DraftChange
from portal.datasets.models import DatasetVersion
from portal.datasets.refused_changes import BoxesDiffer, ChangeRefused
from tests.datasets.index_builders import boxed, classified, ready_version


@pytest.fixture
def street(team, alice):
    return ready_version(team, alice, "Street", fill=boxed, task="detection")


def draw(user, version, boxes, image=1, **more):
    return drafts.add(user, version, "boxes", {"image": image, "boxes": boxes, **more})


def boxes_now(user, version, image=1):
    draft = drafts.open_draft(user, version.dataset)
    with indexes.opened(version) as index:
        return drafts.plan_of(draft, index).now(index.image(image)).box_rows()


def test_drawn_boxes_replace_those_of_the_image_and_reach_the_next_version(street, alice, run_jobs):
    draw(alice, street, [[0, 1.234, 2, 10, 12.5], [2, 0, 0, 5, 5]])
    assert boxes_now(alice, street) == [[0, 1.23, 2, 10, 12.5], [2, 0, 0, 5, 5]]
    drafts.commit(drafts.open_draft(alice, street.dataset))
    run_jobs()
    made = DatasetVersion.objects.get(parent=street)
    with indexes.opened(made) as index:
        assert index.image(1).box_rows() == [[0, 1.23, 2, 10, 12.5], [2, 0, 0, 5, 5]]


def test_an_image_without_boxes_stays_as_background(street, alice, run_jobs):
    draw(alice, street, [])
    drafts.commit(drafts.open_draft(alice, street.dataset))
    run_jobs()
    with indexes.opened(DatasetVersion.objects.get(parent=street)) as index:
        assert index.image(1).box_rows() == []


def test_boxes_over_the_edge_are_clipped(street, alice):
    draw(alice, street, [[0, -5, -5, 1000, 1000]])
    with indexes.opened(street) as index:
        row = index.image(1)
    assert boxes_now(alice, street) == [[0, 0, 0, row.width, row.height]]


@pytest.mark.parametrize(
    ("boxes", "sentence"),
    [
        ("none", "Give the boxes as"),
        ([[0, 1, 2, 3]], "Give each box as"),
        ([[0, 1, 2, 3, float("nan")]], "Give each box as"),
        ([[0, 1, 2, True, 3]], "Give each box as"),
        ([[9, 1, 2, 3, 3]], "Choose one of the classes"),
        ([[0.5, 1, 2, 3, 3]], "Choose one of the classes"),
        ([[0, 1, 2, 0.5, 9]], "at least one pixel"),
        ([[0, 5, 5, -3, 9]], "at least one pixel"),
        ([[0, 4000, 5, 3, 9]], "at least one pixel"),
        ([[0, 1, 1, 2, 2]] * (MAX_BOXES + 1), "remove some"),
    ],
)
def test_boxes_that_cannot_be_are_refused(street, alice, boxes, sentence):
    with pytest.raises(ChangeRefused, match=sentence):
        draw(alice, street, boxes)
    assert not DraftChange.objects.exists()


def test_boxes_that_others_have_replaced_are_not_overwritten(street, alice):
    shown = boxes_now(alice, street)
    draw(alice, street, [[0, 1, 1, 9, 9]], expected=shown)
    with pytest.raises(BoxesDiffer, match="in another window") as refused:
        draw(alice, street, [], expected=shown)
    assert refused.value.boxes == boxes_now(alice, street) == [[0, 1, 1, 9, 9]]


def test_what_a_page_draws_on_an_image_is_one_change(street, alice):
    for boxes in ([[0, 1, 1, 9, 9]], [[0, 1, 1, 9, 9], [1, 2, 2, 9, 9]], []):
        drawing.save(alice, street, 1, {"boxes": boxes})
    drawing.save(alice, street, 2, {"boxes": [[1, 2, 2, 9, 9]]})
    drawing.add(alice, street, 2, [0, 5, 5, 9, 9])
    changes = DraftChange.objects.all()
    assert [(one.payload["image"], len(one.payload["boxes"])) for one in changes] == [(1, 0), (2, 1), (2, 2)]


def test_a_class_is_added_and_drawn_with(street, alice, run_jobs):
    drafts.add(alice, street, "add-class", {"name": "tram"})
    new = len(street.class_names)
    draw(alice, street, [[new, 1, 1, 9, 9]])
    drafts.add(alice, street, "rename", {"class_id": new, "name": "streetcar"})
    with pytest.raises(ChangeRefused, match="There is a class streetcar already"):
        drafts.add(alice, street, "add-class", {"name": "Streetcar"})
    drafts.commit(drafts.open_draft(alice, street.dataset))
    run_jobs()
    made = DatasetVersion.objects.get(parent=street)
    assert made.class_names == [*street.class_names, "streetcar"]


def test_boxes_are_not_for_images_with_a_class(team, alice):
    cats = ready_version(team, alice, "Cats", fill=classified)
    with pytest.raises(ChangeRefused, match="have a class and no boxes"):
        draw(alice, cats, [])
    with pytest.raises(ChangeRefused, match="Every image has a class"):
        drafts.add(alice, cats, "add-class", {"name": "tram"})


def test_one_box_after_a_drawing_is_the_one_that_was_drawn(street, alice):
    draw(alice, street, [[0, 1, 1, 9, 9], [1, 2, 2, 9, 9]])
    drafts.add(alice, street, "remove-box", {"image": 1, "box": 0})
    assert boxes_now(alice, street) == [[1, 2, 2, 9, 9]]


def test_programs_draw_boxes_too(street, alice):
    client = APIClient()
    client.force_authenticate(alice)
    draft = client.post("/api/v1/drafts/", {"dataset_version": street.pk}, format="json").json()["id"]
    address = f"/api/v1/drafts/{draft}/changes/"
    change = {"kind": "boxes", "image": 1, "boxes": [[0, 1, 1, 9, 9]], "expected": boxes_now(alice, street)}
    assert client.post(address, change, format="json").status_code == 201
    again = client.post(address, change, format="json")
    assert again.status_code == 400 and "in another window" in again.json()["errors"]["expected"][0]
    tram = client.post(address, {"kind": "add-class", "name": "tram"}, format="json")
    assert tram.status_code == 201


def test_what_was_drawn_is_told_in_words(street, alice, client):
    client.force_login(alice)
    draw(alice, street, [[0, 1, 1, 9, 9]])
    draw(alice, street, [])
    drafts.add(alice, street, "add-class", {"name": "tram"})
    page = client.get(reverse("dataset-changes", args=[street.pk])).content.decode()
    assert "Image 1 has 1 box." in page and "Image 1 has no boxes." in page
    assert "The class tram is added." in page
