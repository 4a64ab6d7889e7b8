"""The split is stratified, seeded, and depends on content alone."""

from __future__ import annotations

import random

import pytest

from workers.datakit.split import stratified_split


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
