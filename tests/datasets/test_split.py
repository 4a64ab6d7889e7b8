"""The split is stratified, seeded, and depends on content alone."""

from __future__ import annotations

import random

import pytest

from workers.datakit.errors import InputError
from workers.datakit.index import ImageRow
from workers.datakit.split import Shares, draw_split, stratified_split


def drawn(sizes: dict[int, int], fraction: float = 0.2, seed: int = 0) -> dict[str, str]:
    items = [(class_id, f"{class_id}-{i}") for class_id, size in sizes.items() for i in range(size)]
    return dict(zip([name for _, name in items], _split(items, fraction, seed), strict=True))


def _split(items: list[tuple[int, str]], fraction: float, seed: int) -> list[str]:
    hashes = [f"hash of {name}" for _, name in items]
    return stratified_split([c for c, _ in items], hashes, [name for _, name in items], fraction, seed)


@pytest.mark.parametrize("size, expected", [(2, 1), (3, 1), (5, 1), (8, 2), (100, 20), (177, 35)])
def test_every_class_gives_its_share_and_at_least_one(size, expected):
    sides = drawn({0: size, 1: 50})
    assert sum(side == "val" for name, side in sides.items() if name.startswith("0-")) == expected


def test_a_class_keeps_an_image_to_train_on_at_the_largest_share():
    assert sorted(drawn({0: 2}, 0.5).values()) == ["train", "val"]


def test_the_order_of_the_images_plays_no_part():
    items = [(class_id, f"{class_id}-{i}") for class_id in range(3) for i in range(30)]
    straight = dict(zip(items, _split(items, 0.2, 7), strict=True))
    random.Random(1).shuffle(items)
    assert dict(zip(items, _split(items, 0.2, 7), strict=True)) == straight


def test_another_seed_draws_others_and_the_same_seed_the_same():
    assert drawn({0: 50}, seed=1) == drawn({0: 50}, seed=1) != drawn({0: 50}, seed=2)


def test_a_new_class_leaves_the_others_where_they_were():
    before, after = drawn({0: 40, 1: 40}), drawn({0: 40, 1: 40, 2: 9})
    assert {name: after[name] for name in before} == before


def test_copies_of_a_picture_stay_on_one_side():
    hashes = [f"h{i // 4}" for i in range(40)]
    split = stratified_split([0] * 40, hashes, [str(i) for i in range(40)], 0.2, 0)
    assert split.count("val") == 8
    assert all(len({split[i] for i in range(start, start + 4)}) == 1 for start in range(0, 40, 4))


def test_copies_that_outnumber_the_share_still_leave_something_on_both_sides():
    split = stratified_split([0] * 10, ["a"] * 5 + ["b"] * 5, [str(i) for i in range(10)], 0.2, 0)
    assert split.count("val") == 5
    assert stratified_split([0, 0], ["a", "a"], ["x", "y"], 0.2, 0).count("val") == 1


def images_of(*sizes: int) -> list[ImageRow]:
    """So many images of each class, three of each clip."""
    return [
        ImageRow(f"clip{class_id}-{n // 3}_{n}.png", f"{class_id}:{n}", "", 0, 0, ".png", 1, 1, "", class_id)
        for class_id, size in enumerate(sizes)
        for n in range(size)
    ]


def counted(images: list[ImageRow], class_id: int) -> tuple[int, ...]:
    of_class = [image.split for image in images if image.class_id == class_id]
    return tuple(of_class.count(split) for split in ("train", "val", "test"))


@pytest.mark.parametrize("pattern", [None, r"^(.+)_\d+\.png$"])
def test_a_test_split_leaves_the_validation_split_as_it_is(pattern):
    plain, tested = images_of(60, 90), images_of(60, 90)
    draw_split(plain, Shares(0.2), 3, pattern)
    draw_split(tested, Shares(0.2, 0.1), 3, pattern)
    of_val = [[image.original for image in images if image.split == "val"] for images in (plain, tested)]
    assert of_val[0] == of_val[1]
    assert counted(tested, 0) == (42, 12, 6) and counted(tested, 1) == (63, 18, 9)


def test_a_small_class_is_trained_first_validated_second_and_tested_last():
    images = images_of(1, 2, 3)
    draw_split(images, Shares(0.3, 0.3), 0)
    assert [counted(images, class_id) for class_id in range(3)] == [(1, 0, 0), (1, 1, 0), (1, 1, 1)]


def test_a_group_stays_in_one_split_of_three():
    images = images_of(60, 60)
    draw_split(images, Shares(0.2, 0.2), 0, r"^(.+)_\d+\.png$")
    splits = {image.original.rpartition("_")[0]: set() for image in images}
    for image in images:
        splits[image.original.rpartition("_")[0]].add(image.split)
    assert all(len(found) == 1 for found in splits.values()) and set.union(*splits.values()) == {
        "train", "val", "test",
    }  # fmt: skip


def test_too_few_groups_for_a_test_split_are_told():
    with pytest.raises(InputError, match="too few groups for a test split"):
        draw_split(images_of(6, 6), Shares(0.2, 0.2), 0, r"^clip\d-(\d)")


@pytest.mark.parametrize("share", [0.01, 0.6, "x", True, float("nan")])
def test_a_share_for_the_test_split_is_none_or_a_part(share):
    with pytest.raises(InputError, match="kept for test must lie between"):
        Shares.checked(0.2, share)
    assert Shares.checked(0.2, 0) == Shares.checked(0.2, None) == Shares(0.2)
