"""Copies side by side: one of each is kept, the others are removed from the next version."""

from __future__ import annotations

import pytest
from django.urls import reverse

from portal.datasets import copies, drafts, indexes
from portal.datasets.draft_models import DraftChange
from tests.datasets.index_builders import ready_version

pytestmark = pytest.mark.django_db
PLAIN, OTHER = bytes(range(0, 256)), bytes(reversed(range(256)))


def alike(pack) -> None:
    """Two near copies of each other, three equal pictures, and one like none."""
    sizes = {"gray": PLAIN, "dhash": 7, "contrast": 70.0}
    pack.add((1, 1, 1), (16, 16), class_id=0, original="a.png", **sizes)
    pack.add((2, 1, 1), (32, 32), class_id=0, original="a-larger.png", **sizes)
    for number in range(3):
        pack.add((9, 9, 9), (16, 16), class_id=1, original=f"same-{number}.png", dhash=99)
    pack.add(
        (200, 9, 9), (16, 16), class_id=1, original="alone.png", gray=OTHER, dhash=1 << 40, contrast=70.0
    )


@pytest.fixture
def version(team, alice):
    return ready_version(team, alice, fill=alike, class_names=("cat", "dog"))


def shown(version, code, user=None) -> list[list[str]]:
    with indexes.opened(version) as index:
        plan = drafts.plan_of(drafts.open_draft(user, version.dataset) if user else None, index)
        return [[image.row.original for image in group.images] for group in copies.groups(index, plan, code)]


def address(version, code) -> str:
    return reverse("dataset-copies", args=[version.pk, code])


def near(version) -> str:
    """The finding of the pair, whichever split its images fell into."""
    with indexes.opened(version) as index:
        return next(code for code in index.marks() if code.startswith("near-copy"))


def same(version) -> str:
    with indexes.opened(version) as index:
        return next(code for code in index.marks() if code.startswith("copy-in"))


def test_copies_stand_in_groups_and_the_larger_one_is_suggested(version):
    assert shown(version, near(version)) == [["a.png", "a-larger.png"]]
    assert shown(version, same(version)) == [["same-0.png", "same-1.png", "same-2.png"]]
    with indexes.opened(version) as index:
        (group,) = copies.groups(index, drafts.plan_of(None, index), near(version))
        kept = next(image for image in group.images if image.row.id == group.kept)
    assert kept.row.original == "a-larger.png"


def test_one_of_each_is_kept_and_the_others_are_removed_in_the_draft(alices, alice, version):
    code = same(version)
    page = alices.get(address(version, code)).content.decode()
    assert "same-1.png" in page and "Keep one of each" in page
    with indexes.opened(version) as index:
        (group,) = copies.groups(index, drafts.plan_of(None, index), code)
    kept = sorted(group.ids)[1]
    answer = alices.post(address(version, code), {group.key: str(kept)})
    assert answer["Location"] == address(version, code)
    (change,) = DraftChange.objects.all()
    assert (change.kind, change.payload["images"]["ids"]) == ("remove", sorted(group.ids - {kept}))
    assert shown(version, code, alice) == []
    assert "No duplicates left" in alices.get(address(version, code)).content.decode()


@pytest.mark.parametrize("odd", ["", "0", "x", "99999"])
def test_a_group_without_a_choice_is_left_alone(alices, version, odd):
    code = same(version)
    with indexes.opened(version) as index:
        (group,) = copies.groups(index, drafts.plan_of(None, index), code)
    assert alices.post(address(version, code), {group.key: odd}).status_code == 422
    assert not DraftChange.objects.exists()


def test_another_finding_has_no_such_page(alices, version):
    assert alices.get(address(version, "blurred")).status_code == 404


def test_bob_looks_and_charlie_finds_nothing(client, bob, charlie, version):
    code = same(version)
    client.force_login(bob)
    assert b"Keep one of each" not in client.get(address(version, code)).content
    assert client.post(address(version, code), {}).status_code == 403
    client.force_login(charlie)
    assert client.get(address(version, code)).status_code == 404
