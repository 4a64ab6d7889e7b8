"""Labels that a model proposed for the images of a draft, and what a person makes of them."""

import io
import json
import zipfile
from array import array

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from portal.datasets import contents, drafts, drawing, indexes, proposals
from portal.datasets.draft_models import Proposal
from portal.datasets.models import DatasetVersion
from portal.datasets.refused_changes import ChangeRefused
from tests.datasets.index_builders import ready_version

ALL = {"filter": {}}


def photographs(pack, images=4):
    for number in range(images):
        pack.add((30, 40 * number, 90), (64, 48), boxes=array("d"), original=f"photos/{number}.png")


@pytest.fixture
def street(team, alice):
    return ready_version(team, alice, "Street", fill=photographs, task="detection")


@pytest.fixture
def draft(street, alice, transactional_db):
    draft = drafts.begin(alice, street)
    propose(
        draft, {1: [[0, 4, 20, 20, 16]], 2: [[1, 30, 8, 24.5, 30]], 3: [[0, 1, 1, 9, 9], [2, 9, 9, 9, 9]]}
    )
    return draft


def propose(draft, labels, by="Digits v3"):
    rows = [
        Proposal(draft=draft, image=image, label=label, score=0.8, by=by, model=7)
        for image, label in labels.items()
    ]
    proposals.replace(draft, rows)


def waiting(draft):
    draft.refresh_from_db()
    with indexes.opened(draft.base) as index:
        return proposals.waiting(draft, index)


def committed(draft, run_jobs):
    drafts.commit(draft)
    run_jobs()
    return DatasetVersion.objects.get(parent=draft.base)


def marks_of(version):
    with indexes.opened(version) as index:
        return {row.original: row.marks for row in index.all()}


@pytest.mark.django_db
def test_accepted_corrected_and_rejected_proposals_are_told_apart_in_the_version(
    draft, street, alice, run_jobs
):
    proposals.accept(alice, street, {"ids": [1]})
    drafts.add(alice, street, "boxes", {"image": 2, "boxes": [[1, 30, 8, 20, 30]], "by": "Digits v3"})
    proposals.reject(alice, street, {"ids": [3]})
    assert waiting(draft) == []
    made = committed(draft, run_jobs)
    assert {finding["code"]: finding["count"] for finding in made.findings}["proposed"] == 1
    with indexes.opened(made) as index:
        rows = list(index.all())
    assert sorted((len(row.box_rows()), *row.marks.items()) for row in rows if row.boxes) == [
        (1, ("proposed", "Digits v3")),
        (1, ("proposed-corrected", "Digits v3")),
    ]
    assert len([row for row in rows if not row.boxes]) == 2


def test_a_version_says_of_each_box_which_model_proposed_it(draft, street, alice, run_jobs):
    proposals.accept(alice, street, {"ids": [1]})
    drawing.save(alice, street, 3, {"boxes": [[0, 1, 1, 9, 9], [2, 10, 9, 9, 9], [1, 40, 30, 9, 9]]})
    drawing.save(alice, street, 3, {"boxes": [[0, 1, 1, 9, 9], [2, 10, 9, 9, 8], [1, 40, 30, 9, 9]]})
    drafts.add(alice, street, "merge", {"class_id": 2, "into": 0})
    made = committed(draft, run_jobs)
    assert made.statistics["proposed"] == [
        {"model": 7, "name": "Digits v3", "images": 2, "accepted": 2, "corrected": 1}
    ]
    client = APIClient()
    client.force_authenticate(alice)
    images = client.get(f"/api/v1/dataset-versions/{made.pk}/images/").json()["images"]
    assert sorted(image["origins"] for image in images) == [
        [], [], ["accepted"], ["accepted", "corrected", ""]
    ]  # fmt: skip
    assert {"model": 7, "name": "Digits v3"} in [image["proposed"] for image in images]
    annotations = annotations_of(made)
    by = {"proposed_by": {"model": 7, "name": "Digits v3"}}
    told = [{key: row[key] for key in row if key.startswith("propos")} for row in annotations]
    assert sorted(told, key=str) == sorted(
        [{"proposal": "accepted", **by}, {"proposal": "accepted", **by}, {"proposal": "corrected", **by}, {}],
        key=str,
    )
    client = Client()
    client.force_login(alice)
    number = next(image["id"] for image in images if len(image["origins"]) == 3)
    page = client.get(reverse("dataset-image-page", args=[made.pk, number])).content.decode()
    assert "boxes: 1 accepted, 1 corrected, 1 drawn by hand" in page


def annotations_of(version) -> list[dict]:
    """The annotations of all splits in the version's COCO export."""
    pieces = contents.exported(version, "coco", contents.reader(version))
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        files = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")]
    return [row for file in files for row in file["annotations"]]


def test_what_nobody_decided_about_is_not_in_the_version(draft, street, alice, run_jobs):
    proposals.accept(alice, street, {"ids": [1]})
    assert waiting(draft) == [2, 3]
    made = committed(draft, run_jobs)
    with indexes.opened(made) as index:
        assert sum(bool(row.boxes) for row in index.all()) == 1


def test_a_decision_is_undone_and_redone(draft, street, alice):
    proposals.accept(alice, street, ALL)
    assert waiting(draft) == []
    drafts.undo(draft)
    assert waiting(draft) == [1, 2, 3]
    drafts.redo(draft)
    assert waiting(draft) == []


def test_a_change_after_accepting_is_a_correction(draft, street, alice, run_jobs):
    proposals.accept(alice, street, ALL)
    drafts.add(alice, street, "remove-box", {"image": 3, "box": 1})
    marks = marks_of(committed(draft, run_jobs))
    assert [set(found) & {"proposed", "proposed-corrected"} for found in marks.values()].count(
        {"proposed-corrected"}
    ) == 1


def test_the_mark_stays_in_later_versions_until_the_boxes_change(draft, street, alice, run_jobs):
    proposals.accept(alice, street, {"ids": [1]})
    made = committed(draft, run_jobs)
    drafts.add(alice, made, "split", {"images": {"ids": [1, 2, 3, 4]}, "split": "train"})
    moved = committed(drafts.open_draft(alice, made.dataset), run_jobs)
    assert sum("proposed" in found for found in marks_of(moved).values()) == 1
    with indexes.opened(moved) as index:
        number = next(row.id for row in index.all() if row.boxes)
    drafts.add(alice, moved, "boxes", {"image": number, "boxes": [[0, 1, 1, 5, 5]]})
    drawn = committed(drafts.open_draft(alice, made.dataset), run_jobs)
    assert sum("proposed-corrected" in found for found in marks_of(drawn).values()) == 1
    assert not any("proposed" in found for found in marks_of(drawn).values())


def test_boxes_of_a_class_that_is_gone_are_left_out(draft, street, alice):
    drafts.add(alice, street, "drop", {"class_id": 2})
    proposals.accept(alice, street, ALL)
    with indexes.opened(street) as index:
        assert drafts.plan_of(draft, index).now(index.image(3)).box_rows() == [[0, 1, 1, 9, 9]]


def test_nothing_to_decide_is_refused_with_a_sentence(draft, street, alice, bob):
    with pytest.raises(ChangeRefused, match="None of these images has a proposed label"):
        proposals.accept(alice, street, {"ids": [4]})
    with pytest.raises(ChangeRefused, match="There are no proposed labels here"):
        proposals.reject(bob, street, ALL)


def test_the_page_of_an_image_accepts_and_goes_on_to_the_next_proposal(draft, street, client, alice):
    client.force_login(alice)
    page = reverse("dataset-image-page", args=[street.pk, 1])
    assert "Digits v3 proposes cat" in client.get(page).content.decode()
    answer = client.post(page, {"act": "accept", "image": 1})
    assert answer.status_code == 302 and answer.url == reverse("dataset-image-page", args=[street.pk, 2])
    assert waiting(draft) == [2, 3]


def test_boxes_drawn_over_a_proposal_correct_it(draft, street, client, alice):
    client.force_login(alice)
    address = reverse("dataset-image-boxes", args=[street.pk, 2])
    body = {"boxes": [[1, 30, 8, 20, 30]], "expected": []}
    assert client.post(address, body, content_type="application/json").status_code == 200
    assert waiting(draft) == [1, 3]
    with indexes.opened(street) as index:
        accepted = drafts.plan_of(draft, index).now(index.image(2)).accepted
    assert accepted.by == "Digits v3" and accepted.corrected


def test_the_grid_shows_what_waits_and_accepts_all_of_it(draft, street, client, alice):
    client.force_login(alice)
    page = reverse("dataset-images", args=[street.pk])
    text = client.get(page + "?state=proposed").content.decode()
    assert "3 images have proposed labels." in text and text.count("proposed: ") == 3
    assert 'id="image-4"' not in text
    assert client.post(page + "?state=proposed", {"act": "accept", "scope": "all"}).status_code == 302
    assert waiting(draft) == []


def test_unlabelled_images_are_filtered(draft, street, client, alice):
    proposals.accept(alice, street, ALL)
    client.force_login(alice)
    text = client.get(reverse("dataset-images", args=[street.pk]) + "?state=unlabelled").content.decode()
    assert "Images 1 to 4 of 4" in text  # the filter goes by what the version says
    drafts.add(alice, street, "remove", {"images": {"filter": {"unlabelled": True}}})


def test_programs_list_and_decide(draft, alice, bob):
    client = APIClient()
    client.force_authenticate(alice)
    address = f"/api/v1/drafts/{draft.pk}/"
    page = client.get(address + "proposals/?limit=2").json()
    assert page["count"] == 3 and page["next"] == 2
    assert page["proposals"][0] == {
        "image": 1, "class_id": None, "boxes": [[0, 4, 20, 20, 16]], "score": 0.8, "model": 7,
        "model_name": "Digits v3",
    }  # fmt: skip
    made = client.post(address + "accept/", {"ids": [1]}, format="json")
    assert made.status_code == 201 and made.json()["kind"] == "accept" and made.json()["images"] == 1
    assert client.post(address + "reject/", {"filter": {}}, format="json").json()["images"] == 2
    again = client.post(address + "accept/", {"filter": {}}, format="json")
    assert again.status_code == 400 and "None of these images" in again.json()["errors"]["ids"][0]
    forged = {"kind": "accept", "labels": {"4": [[0, 1, 1, 5, 5]]}}
    assert client.post(address + "changes/", forged, format="json").status_code == 400
    client.force_authenticate(bob)
    assert client.post(address + "accept/", {"ids": [1]}, format="json").status_code in (403, 404)
