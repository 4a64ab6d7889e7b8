from collections import Counter

import pytest

from workers.contract import InputError
from workers.convert.dataset import choose_calibration, choose_random, read_pairs


def pairs_of(*sizes):
    return [(f"images/{label}_{n}.png", label) for label, size in enumerate(sizes) for n in range(size)]


def labels_of(chosen, pairs):
    return Counter(dict(pairs)[path] for path in chosen)


def test_every_class_gives_as_many_calibration_images():
    pairs = pairs_of(50, 50, 50, 50)
    assert set(labels_of(choose_calibration(pairs, 20, 0), pairs).values()) == {5}


def test_a_small_class_gives_all_it_has_and_the_others_share_the_rest():
    pairs = pairs_of(2, 50, 50)
    assert labels_of(choose_calibration(pairs, 20, 0), pairs) == {0: 2, 1: 9, 2: 9}


def test_the_same_seed_chooses_the_same_images_whatever_their_order():
    pairs = pairs_of(30, 30)
    assert choose_calibration(pairs, 10, 3) == choose_calibration(pairs[::-1], 10, 3)


def test_another_seed_chooses_other_images():
    pairs = pairs_of(30, 30)
    assert choose_calibration(pairs, 10, 0) != choose_calibration(pairs, 10, 1)


def test_no_image_is_chosen_twice_and_too_few_are_all_chosen():
    chosen = choose_calibration([*pairs_of(3, 4), ("images/0_0.png", 0)], 100, 0)
    assert len(chosen) == len(set(chosen)) == 7


def test_nothing_is_chosen_from_nothing():
    assert choose_calibration([], 10, 0) == []


def test_the_lists_of_a_data_set_are_read(tmp_path):
    (tmp_path / "val.txt").write_text("images/a.png 0\n\nimages/b.png 11\n")
    assert read_pairs(tmp_path, "val") == [("images/a.png", 0), ("images/b.png", 11)]


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "no val.txt"), ("\n", "empty"), ("images/a.png\n", "Line 1"), ("images/a.png x\n", "Line 1")],
)
def test_a_broken_list_is_refused_with_what_is_wrong(tmp_path, text, words):
    if text is not None:
        (tmp_path / "val.txt").write_text(text)
    with pytest.raises(InputError, match=words):
        read_pairs(tmp_path, "val")


def test_images_by_lot_are_the_same_for_one_seed_and_never_more_than_there_are():
    names = [f"images/{number}.png" for number in range(30)]
    assert choose_random(names, 10, 3) == choose_random(reversed(names), 10, 3) != choose_random(names, 10, 4)
    assert len(set(choose_random(names, 10, 3))) == 10
    assert sorted(choose_random(names, 1000, 3)) == sorted(names)
