"""A draft: changes are added, undone, done again, and become the next version."""

import pytest

from portal.datasets import change_texts, drafts, indexes
from portal.datasets.draft_models import DraftChange, DraftState
from portal.datasets.models import DatasetVersion, Pack
from portal.datasets.refused_changes import ChangeRefused
from portal.jobs import services as jobs
from portal.jobs.models import ErrorKind, Status
from portal.teams.models import AuditEntry
from tests.datasets.index_builders import boxed, ready_version
from workers.datakit.index import Filter


@pytest.fixture
def version(team, alice):
    return ready_version(team, alice)


def ids(*numbers):
    return {"images": {"ids": list(numbers)}}


def now_of(user, version, number):
    draft = drafts.open_draft(user, version.dataset)
    with indexes.opened(version) as index:
        return drafts.plan_of(draft, index).now(index.image(number))


def test_the_first_change_opens_a_draft_and_the_next_ones_go_into_it(version, alice, bob):
    drafts.add(alice, version, "relabel", {**ids(1, 2), "class_id": 1})
    change = drafts.add(alice, version, "remove", ids(3))
    assert (change.number, change.images) == (2, 1)
    assert now_of(alice, version, 1).class_id == 1
    assert now_of(alice, version, 3).removed
    assert not now_of(bob, version, 1).is_changed  # a draft is personal


def test_undo_takes_back_any_number_of_changes_and_redo_brings_them_back_in_order(version, alice):
    for class_id in (1, 2, 0):
        drafts.add(alice, version, "relabel", {**ids(9), "class_id": class_id})
    draft = drafts.open_draft(alice, version.dataset)
    undone = [drafts.undo(draft).payload["class_id"] for _ in range(3)]
    assert undone == [0, 2, 1]
    assert drafts.undo(draft) is None
    assert drafts.redo(draft).payload["class_id"] == 1
    assert drafts.redo(draft).payload["class_id"] == 2
    assert now_of(alice, version, 9).class_id == 2


def test_what_was_undone_is_gone_once_something_else_is_changed(version, alice):
    drafts.add(alice, version, "remove", ids(1))
    draft = drafts.open_draft(alice, version.dataset)
    drafts.undo(draft)
    drafts.add(alice, version, "remove", ids(2))
    assert drafts.redo(draft) is None
    assert not now_of(alice, version, 1).removed
    assert list(draft.done().values_list("number", flat=True)) == [1]


def test_all_that_a_filter_shows_is_stored_as_the_filter(version, alice):
    change = drafts.add(alice, version, "split", {"images": {"filter": {"class_id": 0}}, "split": "val"})
    assert change.images == 8
    assert change.payload["images"] == {"filter": {"class_id": 0}}
    assert now_of(alice, version, 5).split == "val"


REFUSED = [
    ("paint", {}, "kind"),
    ("remove", {}, "images"),
    ("remove", {"images": {"ids": []}}, "images"),
    ("remove", {"images": {"ids": [0]}}, "images"),
    ("remove", {"images": {"ids": [99]}}, "images"),
    ("remove", {"images": {"ids": ["1"]}}, "images"),
    ("remove", {"images": {"ids": [True]}}, "images"),
    ("remove", {"images": {"ids": 5}}, "images"),
    ("remove", {"images": "all"}, "images"),
    ("remove", {"images": {"filter": {"mark": "blurred"}}}, "images"),
    ("remove", {"images": {"filter": {"class_id": 7}}}, "class_id"),
    ("remove", {"images": {"filter": {"split": "dev"}}}, "split"),
    ("remove", {"images": {"filter": {"text": "\ud800"}}}, "images"),
    ("relabel", {**ids(1), "class_id": 3}, "class_id"),
    ("relabel", {**ids(1), "class_id": None}, "class_id"),
    ("relabel", {**ids(1), "class_id": -1}, "class_id"),
    ("split", {**ids(1), "split": "dev"}, "split"),
    ("rename", {"class_id": 0, "name": " "}, "name"),
    ("rename", {"class_id": 0, "name": "a\tb"}, "name"),
    ("rename", {"class_id": 0, "name": "x" * 101}, "name"),
    ("rename", {"class_id": 0, "name": "ＤＯＧ"}, "name"),
    ("merge", {"class_id": 0, "into": 0}, "into"),
    ("merge", {"class_id": 0, "into": 9}, "into"),
    ("resplit", {"how": "by hand"}, "how"),
    ("resplit", {"val_fraction": 0.9}, "val_fraction"),
    ("resplit", {"val_fraction": "x"}, "val_fraction"),
    ("resplit", {"test_fraction": 0.9}, "test_fraction"),
    ("resplit", {"test_fraction": "x"}, "test_fraction"),
    ("resplit", {"seed": -1}, "seed"),
    ("resplit", {"how": "group"}, "pattern"),
    ("resplit", {"how": "group", "pattern": "(("}, "pattern"),
    ("resplit", {"how": "group", "pattern": "x" * 201}, "pattern"),
    ("remove-box", {"image": 1, "box": 0}, "box"),
    ("remove-box", {"image": 99, "box": 0}, "image"),
]


@pytest.mark.parametrize(("kind", "payload", "field"), REFUSED, ids=str)
def test_a_change_that_cannot_be_made_is_refused_at_its_field_and_leaves_nothing(
    version, alice, kind, payload, field
):
    with pytest.raises(ChangeRefused) as refusal:
        drafts.add(alice, version, kind, payload)
    assert refusal.value.field == field
    assert str(refusal.value).endswith(".")
    assert not DraftChange.objects.exists()


def test_no_class_can_be_named_that_was_merged_away_and_two_must_stay(version, alice):
    drafts.add(alice, version, "merge", {"class_id": 0, "into": 1})
    with pytest.raises(ChangeRefused):
        drafts.add(alice, version, "relabel", {**ids(20), "class_id": 0})
    with pytest.raises(ChangeRefused, match="Too few classes"):
        drafts.add(alice, version, "drop", {"class_id": 2})


def test_there_is_one_draft_a_person_and_dataset(version, team, alice, bob):
    second = ready_version(team, alice)
    drafts.add(alice, version, "remove", ids(1))
    with pytest.raises(ChangeRefused, match="Pets v1"):
        drafts.add(alice, second, "remove", ids(1))
    drafts.add(bob, second, "remove", ids(1))


def test_a_discarded_draft_changes_nothing_and_a_new_one_begins_empty(version, alice):
    drafts.add(alice, version, "remove", ids(1))
    draft = drafts.open_draft(alice, version.dataset)
    drafts.discard(draft)
    assert drafts.open_draft(alice, version.dataset) is None
    with pytest.raises(ChangeRefused):
        drafts.undo(draft)
    drafts.add(alice, version, "remove", ids(2))
    assert not now_of(alice, version, 1).removed


def committed(alice, version, run_jobs, message=""):
    made = drafts.commit(drafts.open_draft(alice, version.dataset), message)
    run_jobs()
    made.refresh_from_db()
    made.job.refresh_from_db()
    return made


def test_a_commit_makes_the_next_version_with_its_diff_and_stores_no_image_again(version, alice, run_jobs):
    drafts.add(alice, version, "relabel", {**ids(1), "class_id": 1})
    drafts.add(alice, version, "split", {**ids(4), "split": "val"})
    drafts.add(alice, version, "remove", ids(24))
    drafts.add(alice, version, "rename", {"class_id": 2, "name": "鸟"})
    made = committed(alice, version, run_jobs, "after looking at the cats")
    assert made.job.status == Status.SUCCEEDED, made.job.message
    assert (made.number, made.parent, made.images) == (2, version, 23)
    assert made.class_names == ["cat", "dog", "鸟"]
    assert made.diff["removed"] == 1 and made.diff["moved"] == 1
    assert made.diff["relabelled"] == 1 + 7  # the renamed class as well
    assert list(made.packs.all()) == list(version.packs.all()) and Pack.objects.count() == 1
    with indexes.opened(made) as index, indexes.opened(version) as base:
        assert index.count(Filter(class_id=1)) == 9
        assert {row.sha256 for row in index.all()} < {row.sha256 for row in base.all()}
    version.refresh_from_db()
    assert version.images == 24 and drafts.open_draft(alice, version.dataset) is None
    assert AuditEntry.objects.get(verb="dataset.revise").detail == "after looking at the cats"


def test_merged_and_dropped_classes_are_gone_in_the_next_version(version, alice, run_jobs):
    drafts.add(alice, version, "merge", {"class_id": 2, "into": 0})
    made = committed(alice, version, run_jobs)
    assert made.class_names == ["cat", "dog"]
    assert [row["total"] for row in made.counts] == [16, 8]


def test_a_split_drawn_anew_keeps_what_was_moved_after_it(version, alice, run_jobs):
    drafts.add(alice, version, "resplit", {"val_fraction": 0.5, "seed": 3})
    with indexes.opened(version) as index:
        kept = index.image(1).sha256
    drafts.add(alice, version, "split", {**ids(1), "split": "train"})
    made = committed(alice, version, run_jobs)
    assert made.split == "stratified" and 11 <= made.val_images <= 12
    with indexes.opened(made) as index:
        assert [row.split for row in index.all() if row.sha256 == kept] == ["train"]


def test_images_are_moved_to_a_test_split_or_drawn_for_it(version, alice, run_jobs):
    drafts.add(alice, version, "split", {**ids(1, 2, 9, 17), "split": "test"})
    made = committed(alice, version, run_jobs)
    assert made.test_images == 4 and made.measured_split == "test" and made.diff["moved"] == 4
    drafts.add(alice, made, "resplit", {"val_fraction": 0.2, "test_fraction": 0.2})
    drawn = committed(alice, made, run_jobs)
    assert [row["test"] for row in drawn.counts] == [2, 2, 2] and drawn.test_images == 6
    drafts.add(alice, drawn, "resplit", {})
    assert committed(alice, drawn, run_jobs).measured_split == "val"


def test_a_test_split_is_drawn_from_the_training_images_and_the_others_stay(version, alice, run_jobs):
    measured = version.val_images
    change = drafts.add(alice, version, "resplit", {"how": "test", "test_fraction": 0.25, "seed": 5})
    assert change_texts.sentence(change, version.class_names) == (
        "A test split is drawn: 25 % of the training images, seed 5."
    )
    made = committed(alice, version, run_jobs)
    assert made.val_images == measured and made.test_images and made.split == version.split
    assert made.train_images + made.test_images == version.train_images
    assert made.diff["moved"] == made.test_images


def test_a_test_split_is_not_drawn_beside_a_whole_split_that_is_drawn_anew(version, alice):
    drafts.add(alice, version, "resplit", {"seed": 3})
    with pytest.raises(ChangeRefused, match="drawn anew already"):
        drafts.add(alice, version, "resplit", {"how": "test"})


def test_a_version_that_cannot_be_is_refused_with_a_sentence_and_the_changes_stay(version, alice, run_jobs):
    drafts.add(alice, version, "remove", {"images": {"filter": {"class_id": 0}}})
    made = committed(alice, version, run_jobs)
    assert (made.job.status, made.job.error_kind) == (Status.FAILED, ErrorKind.INPUT)
    assert "'cat' has none" in made.job.message
    draft = drafts.open_draft(alice, version.dataset)
    assert draft.length == 1
    drafts.undo(draft)
    drafts.add(alice, version, "drop", {"class_id": 0})
    again = committed(alice, version, run_jobs)
    assert again.is_ready and again.class_names == ["dog", "Bird"]


def test_changes_of_a_failed_version_stay_closed_when_others_were_begun(version, alice, run_jobs):
    drafts.add(alice, version, "remove", {"images": {"filter": {"class_id": 0}}})
    drafts.commit(drafts.open_draft(alice, version.dataset))
    drafts.add(alice, version, "remove", ids(9))
    run_jobs()
    assert drafts.open_draft(alice, version.dataset).done().get().payload["images"] == {"ids": [9]}


def test_a_retry_of_the_job_takes_the_changes_as_they_are_now(version, alice, run_jobs):
    drafts.add(alice, version, "remove", {"images": {"filter": {"class_id": 0}}})
    made = committed(alice, version, run_jobs)
    drafts.undo(drafts.open_draft(alice, version.dataset))
    drafts.add(alice, version, "remove", ids(1))
    jobs.retry(made.job, alice)
    run_jobs()
    made = DatasetVersion.objects.select_related("job").get(pk=made.pk)
    assert made.is_ready and made.images == 23
    assert drafts.open_draft(alice, version.dataset) is None


def failed_commit(alice, version, run_jobs):
    """A draft whose version could not be made."""
    drafts.add(alice, version, "relabel", {**ids(1), "class_id": 1})
    draft = drafts.open_draft(alice, version.dataset)
    made = drafts.commit(draft)
    made.job.move_to(Status.RUNNING)
    made.job.move_to(Status.FAILED, error_kind=ErrorKind.INTERNAL, message="The disk was full.")
    drafts.after_revise(made.job)
    draft.refresh_from_db()
    assert draft.is_open
    return draft, made


def test_a_retry_closes_the_draft_so_that_no_change_is_lost(version, alice, run_jobs):
    draft, made = failed_commit(alice, version, run_jobs)
    new = jobs.retry_by(alice, made.job)
    draft.refresh_from_db()
    assert draft.state == DraftState.COMMITTED
    later = drafts.add(alice, version, "remove", ids(2))
    assert later.draft != draft and later.draft.is_open
    run_jobs()
    new.refresh_from_db()
    assert new.status == Status.SUCCEEDED, new.message
    draft.refresh_from_db()
    later.draft.refresh_from_db()
    assert (draft.state, later.draft.state) == (DraftState.COMMITTED, DraftState.OPEN)
    assert later.draft.done().count() == 1


def test_changes_that_were_discarded_make_no_version_when_their_job_is_retried(version, alice, run_jobs):
    draft, made = failed_commit(alice, version, run_jobs)
    drafts.discard(draft)
    new = jobs.retry_by(alice, made.job)
    run_jobs()
    new.refresh_from_db()
    assert new.status == Status.FAILED and "discarded" in new.message
    draft.refresh_from_db()
    assert draft.state == DraftState.DISCARDED


def test_nothing_is_made_of_no_change_and_a_draft_is_committed_once(version, alice):
    drafts.add(alice, version, "remove", ids(1))
    draft = drafts.open_draft(alice, version.dataset)
    drafts.undo(draft)
    with pytest.raises(ChangeRefused, match="change something first"):
        drafts.commit(draft)
    drafts.redo(draft)
    drafts.commit(draft)
    assert draft.state == DraftState.COMMITTED
    with pytest.raises(ChangeRefused):
        drafts.commit(draft)
    assert DatasetVersion.objects.count() == 2


def test_boxes_are_relabelled_and_removed(team, alice, run_jobs):
    version = ready_version(team, alice, "Street", fill=boxed, task="detection")
    drafts.add(alice, version, "relabel-box", {"image": 1, "box": 0, "class_id": 2})
    drafts.add(alice, version, "remove-box", {"image": 2, "box": 1})
    drafts.add(alice, version, "remove", ids(3))
    drafts.add(alice, version, "relabel", {**ids(4), "from": 1, "class_id": 0})
    made = committed(alice, version, run_jobs)
    assert made.is_ready, made.job.message
    assert [row["boxes"] for row in made.counts] == [5, 3, 1]
    assert (made.diff["relabelled"], made.diff["removed"]) == (3, 1)


def test_a_change_is_checked_again_when_the_draft_changed_meanwhile(version, alice, monkeypatch):
    """The other window drops the class while this one checks a change that names it."""
    drafts.add(alice, version, "remove", ids(1))
    write, other = drafts._write, []

    def late(*args, **fields):
        if not other:
            other.append(True)
            drafts.add(alice, version, "drop", {"class_id": 2})
        return write(*args, **fields)

    monkeypatch.setattr(drafts, "_write", late)
    with pytest.raises(ChangeRefused):
        drafts.add(alice, version, "relabel", {**ids(2), "class_id": 2})
    draft = drafts.open_draft(alice, version.dataset)
    assert list(draft.done().values_list("kind", flat=True)) == ["remove", "drop"]
