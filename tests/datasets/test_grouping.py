"""Splitting by group: frames of one video never stand on both sides."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest
from upload_builders import index, ingested, noticed, png, refused, two_classes, zipped

from workers.datakit.errors import InputError
from workers.datakit.grouping import group_of, group_split, groups_of, pattern_of

PATTERN = r"([a-z]+\d+)_\d+\.png$"


@pytest.mark.parametrize("pattern, path, group", [
    (r"^(.+)_\d+\.png$", "cat/clip1_0007.png", "cat/clip1"),
    (r"clip\d+", "cat/clip1_0007.png", "clip1"),
    (r"(?:clip|video)(\d+)", "cat/video12_1.png", "12"),
    (r"^(.+)_\d+\.png$", "cat/other.png", None),
    (r"车(\d)", "猫/车3号.png", "3"),
    (r"(x)?clip", "cat/clip.png", "clip"),
])  # fmt: skip
def test_the_group_is_the_first_group_of_the_pattern_or_the_whole_match(pattern, path, group):
    assert group_of(pattern_of(pattern), path) == group


def test_a_path_that_does_not_match_is_a_group_of_its_own():
    groups = groups_of(pattern_of("clip"), ["a/clip1.png", "b/clip2.png", "clip", "a/x.png", "a/y.png"])
    assert groups[0] == groups[1] == groups[2] and len(set(groups)) == 3


def test_even_the_worst_pattern_ends_at_once():
    worst = pattern_of(r"^(([a-z])+.)+[A-Z]([a-z])+$")
    assert all(group_of(worst, "a" * 1000) is None for _ in range(1000))


@pytest.mark.parametrize("pattern, expected", [
    ("(", "no regular expression"), (r"(a)\1", "no regular expression"), ("(?=a)b", "no regular expression"),
    ("a" * 201, "longer than 200"), ("(a{1000}){1000}", "no regular expression"),
])  # fmt: skip
def test_what_is_no_pattern_is_refused_with_a_sentence(pattern, expected):
    with pytest.raises(InputError, match=expected) as refusal:
        pattern_of(pattern)
    assert str(refusal.value).endswith(".")


def random_set(seed: int, classes: int, groups: int) -> tuple[list[tuple[int]], list[str]]:
    draw = random.Random(seed)
    sizes = {f"g{number}": draw.randint(1, 30) for number in range(groups)}
    kinds = {name: draw.randrange(classes) for name in sizes}
    pairs = [(kinds[name], name) for name, size in sizes.items() for _ in range(size)]
    return [(kind,) for kind, _ in pairs], [name for _, name in pairs]


@pytest.mark.parametrize("seed", range(20))
def test_no_group_straddles_and_each_class_is_divided_about_as_wanted(seed):
    labels, groups = random_set(seed, classes=5, groups=150)
    sides = group_split(labels, groups, 0.2, seed)
    sides_of = defaultdict(set)
    for group, side in zip(groups, sides, strict=True):
        sides_of[group].add(side)
    assert all(len(found) == 1 for found in sides_of.values())
    counts = Counter(zip(labels, sides, strict=True))
    for label in set(labels):
        train, val = counts[label, "train"], counts[label, "val"]
        assert 0.12 < val / (train + val) < 0.28


def test_every_class_with_two_groups_has_some_on_both_sides():
    labels = [(0,)] * 100 + [(1,)] * 100
    groups = ["a"] * 60 + ["b"] * 40 + ["c"] * 95 + ["d"] * 5
    counts = Counter(zip(labels, group_split(labels, groups, 0.2, 0), strict=True))
    assert all(counts[label, side] for label in ((0,), (1,)) for side in ("train", "val"))


def test_another_seed_draws_other_groups_and_the_same_one_the_same():
    labels, groups = [(0,)] * 400, [f"g{number // 4}" for number in range(400)]
    assert group_split(labels, groups, 0.2, 1) == group_split(labels, groups, 0.2, 1)
    assert group_split(labels, groups, 0.2, 1) != group_split(labels, groups, 0.2, 2)


def clips(count: int = 8, frames: int = 3) -> dict[str, bytes]:
    return {
        f"{kind}/{kind}{clip}_{frame}.png": png(1000 * number + 10 * clip + frame)
        for number, kind in enumerate(("cat", "dog"))
        for clip in range(count)
        for frame in range(frames)
    }


def test_frames_of_one_clip_stay_together(tmp_path):
    result, artifacts = ingested(tmp_path, zipped(clips()), split_group=PATTERN)
    assert (result["split"], result["split_group"]) == ("group", PATTERN)
    sides = defaultdict(set)
    for row in index(artifacts):
        sides[row["original"].partition("_")[0]].add(row["split"])
    assert all(len(found) == 1 for found in sides.values())
    assert [row["val"] for row in result["counts"]] == [6, 6] and noticed(result) == []


def test_a_class_of_one_clip_is_trained_on_and_the_page_says_that_it_is_not_measured(tmp_path):
    files = clips() | {f"cow/cow1_{frame}.png": png(5000 + frame) for frame in range(6)}
    result, _ = ingested(tmp_path, zipped(files), split_group=PATTERN)
    assert result["counts"][1] == {"name": "cow", "train": 6, "val": 0, "test": 0, "total": 6}
    assert "no-val-images" in [item["code"] for item in result["findings"]]


def test_a_split_of_ones_own_goes_before_that_of_the_upload(tmp_path):
    files = {**two_classes(10, "train/"), **{f"val/{name}": data for name, data in clips().items()}}
    for number, (params, split) in enumerate([
        ({}, "given"), ({"split": "given"}, "given"), ({"split": "stratified"}, "stratified"),
        ({"split": "group", "split_group": PATTERN}, "group"),
    ]):  # fmt: skip
        (tmp_path / str(number)).mkdir()
        result, artifacts = ingested(tmp_path / str(number), zipped(files), **params)
        kept = all(row["split"] == row["original"].partition("/")[0] for row in index(artifacts))
        assert (result["split"], kept) == (split, split == "given")


@pytest.mark.parametrize("params, expected", [
    ({"split_group": "(cat|dog)"}, "all images of each class into one group"),
    ({"split_group": r"\.png$"}, "all images into one group"),
    ({"split_group": "("}, "no regular expression"),
    ({"split_group": 7}, "goes with the split called group"),
    ({"split_group": "x", "split": "given"}, "goes with the split called group"),
    ({"split": "group"}, "write the pattern"),
    ({"split": "random"}, "no split called 'random'"),
    ({"split": "given"}, "it gives none"),
])  # fmt: skip
def test_a_split_that_cannot_be_made_is_refused(tmp_path, params, expected):
    message = refused(tmp_path, zipped(clips()), **params)
    assert expected in message and message.endswith(".")
