"""Images without labels that are given a class each in the browser."""

import pytest
from django.urls import reverse

from portal.datasets import drafts, grid, indexes, proposals, services
from portal.datasets.draft_models import Proposal
from portal.datasets.models import DatasetVersion
from portal.datasets.refused_changes import ChangeRefused
from portal.datasets.staged_cache import staged
from tests.datasets.index_builders import classified, ready_version
from tests.factories import zip_of

NAMES = ["good", "bad"]


def unsorted(pack, images=12):
    for number in range(images):
        pack.add((20 * number, 7, 90), original=f"photos/{number}.png", split="train")


@pytest.fixture
def parts(team, alice):
    return ready_version(
        team, alice, "Parts", fill=unsorted, class_names=NAMES, layout="images without labels"
    )


def label(user, version, ids, class_id):
    return drafts.add(user, version, "relabel", {"images": {"ids": ids}, "class_id": class_id})


def committed(user, version, run_jobs):
    draft = drafts.open_draft(user, version.dataset)
    drafts.commit(draft)
    run_jobs()
    made = DatasetVersion.objects.filter(parent=version).latest("pk")
    assert made.is_ready, made.job.message
    return made


def test_a_folder_of_photographs_becomes_a_set_of_images_that_wait_for_a_class(team, alice, run_jobs):
    colours = {f"photos/{number}.png": (20 * number, 9, 9) for number in range(8)}
    options = {"layout": "unsorted", "class_names": NAMES}
    version = services.create_version(team, alice, "Parts", zip_of(colours), options)
    run_jobs()
    version.refresh_from_db()
    assert version.is_ready, version.job.message
    assert (version.task, version.class_names, version.images) == ("classification", NAMES, 8)
    assert (version.train_images, version.val_images) == (0, 0)
    assert {finding["code"]: finding["count"] for finding in version.findings}["unlabelled"] == 8
    assert version.training_refusals, "there is nothing to learn from"


@pytest.mark.parametrize(
    ("names", "sentence"), [(None, "Name the classes, one a line"), (["good"], "holds only one class")]
)
def test_classes_must_be_named(team, alice, run_jobs, names, sentence):
    upload = zip_of({f"{number}.png": (20 * number, 9, 9) for number in range(4)})
    options = {"layout": "unsorted"} | ({"class_names": names} if names else {})
    version = services.create_version(team, alice, "Parts", upload, options)
    run_jobs()
    version.job.refresh_from_db()
    assert sentence in version.job.message


def test_labelled_images_are_split_and_the_others_stay_aside(parts, alice, run_jobs):
    label(alice, parts, [1, 2, 3, 4, 5], 0)
    label(alice, parts, [6, 7, 8, 9, 10], 1)
    made = committed(alice, parts, run_jobs)
    assert (made.images, made.train_images, made.val_images) == (12, 8, 2)
    assert not made.training_refusals
    folder = staged(made)
    lists = {split: (folder / f"{split}.txt").read_text().splitlines() for split in ("train", "val")}
    assert [len(lines) for lines in lists.values()] == [8, 2]
    assert all(line[-2:] in (" 0", " 1") for lines in lists.values() for line in lines)
    assert {finding["code"]: finding["count"] for finding in made.findings}["unlabelled"] == 2


def test_what_a_person_moved_stays_where_it_is(parts, alice, run_jobs):
    label(alice, parts, list(range(1, 13)), 0)
    label(alice, parts, [1, 2], 1)
    drafts.add(alice, parts, "split", {"images": {"ids": [1, 2]}, "split": "train"})
    drafts.add(alice, parts, "split", {"images": {"ids": [2]}, "split": "test"})
    made = committed(alice, parts, run_jobs)
    assert made.test_images == 1 and made.val_images == 2


def test_a_class_is_added_while_images_wait_for_one(parts, team, alice):
    drafts.add(alice, parts, "add-class", {"name": "ugly"})
    label(alice, parts, [3], 2)
    done = ready_version(team, alice, "Done", fill=classified)
    with pytest.raises(ChangeRefused, match="Every image has a class"):
        drafts.add(alice, done, "add-class", {"name": "ugly"})


def test_the_last_image_given_a_class_must_leave_every_class_two(parts, alice, run_jobs):
    label(alice, parts, list(range(1, 12)), 0)
    label(alice, parts, [12], 1)
    drafts.commit(drafts.open_draft(alice, parts.dataset))
    run_jobs()
    made = DatasetVersion.objects.get(parent=parts)
    assert "Every class needs at least two usable images" in made.job.message
    assert drafts.open_draft(alice, parts.dataset), "the work is not lost"


def test_keys_lead_from_one_image_to_the_next_without_a_class(parts, client, alice):
    client.force_login(alice)
    page = reverse("dataset-image-page", args=[parts.pk, 1])
    text = client.get(page).content.decode()
    assert "0 of 12 images labelled" in text and 'data-key="1"' in text
    answer = client.post(page, {"act": "relabel", "image": 1, "class_id": 1})
    assert answer.url == reverse("dataset-image-page", args=[parts.pk, 2])
    assert "1 of 12 images labelled" in client.get(answer.url).content.decode()
    grid_page = client.get(reverse("dataset-images", args=[parts.pk])).content.decode()
    assert "1 of 12 images labelled" in grid_page
    assert client.get(reverse("dataset-draw", args=[parts.pk])).url == answer.url


def test_proposed_classes_are_accepted_and_an_own_one_is_nobodys_proposal(parts, alice, run_jobs):
    label(alice, parts, [12], 1)
    draft = drafts.open_draft(alice, parts.dataset)
    rows = [
        Proposal(draft=draft, image=image, label=image % 2, score=0.9, by="Parts v1", model=3)
        for image in range(1, 12)
    ]
    proposals.replace(draft, rows)
    proposals.accept(alice, parts, {"ids": [1, 2, 3, 4, 5, 6, 7, 8]})
    label(alice, parts, [8], 1)
    label(alice, parts, [9], 1)
    with indexes.opened(parts) as index:
        assert proposals.waiting(draft, index) == [10, 11]
        page = grid.page_of(index, drafts.plan_of(draft, index), grid.Filter(), 0, draft)
    assert page.images[9].proposed_label == "good" and page.unlabelled == 2
    made = committed(alice, parts, run_jobs)
    assert {finding["code"]: finding["count"] for finding in made.findings}["proposed"] == 7


def test_unsorted_images_are_added_to_a_dataset_with_classes(team, alice, run_jobs):
    pets = ready_version(team, alice, "Pets", fill=classified)
    upload = zip_of({f"new/{number}.png": (9, 20 * number, 200) for number in range(3)})
    version = services.create_version(team, alice, "Pets", upload, {"layout": "unsorted", "mode": "add"})
    run_jobs()
    version.refresh_from_db()
    assert version.is_ready, version.job.message
    assert version.class_names == pets.class_names
    assert version.images == pets.images + 3 and version.train_images == pets.train_images


def test_an_export_has_the_images_with_a_class_only(parts, alice, client, run_jobs):
    label(alice, parts, [1, 2, 3, 4, 5], 0)
    label(alice, parts, [6, 7, 8, 9, 10], 1)
    made = committed(alice, parts, run_jobs)
    client.force_login(alice)
    answer = client.get(reverse("dataset-export", args=[made.pk, "csv"]))
    content = b"".join(answer.streaming_content)
    assert content.count(b"images/0000") >= 10
