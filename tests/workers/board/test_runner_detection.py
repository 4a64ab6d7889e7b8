"""A detector on a board with the vendor's library, which tells sure boxes only unless it is asked for all."""

import pytest

GOLDEN = {"image": "golden/0.png"}
SURE = {"label": 2, "score": 0.88, "box": [2, 2, 30, 40]}
FAINT = {"label": 1, "score": 0.36, "box": [60, 60, 9, 9]}


def detector(board, *golden, model=b"model"):
    board.fill(model, task="detection", golden=[{**GOLDEN, "boxes": list(golden)}])


def picture(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"1")
    return path


def test_it_tells_each_box_with_its_name_the_surest_first(board, tmp_path):
    detector(board)
    messages, status = board.run("answer", picture(tmp_path))
    assert status == 0 and messages[0]["task"] == "detection" and "least_score" not in messages[0]
    assert messages[0]["boxes"] == [
        {"label_id": 2, "label": "two", "score": 0.9, "box": [1, 2, 30, 40]},
        {"label_id": 9, "label": "9", "score": 0.4, "box": [0, 0, 5, 5]},
        {"label_id": 1, "label": "one", "score": 0.2, "box": [5, 6, 7, 8]},
    ]


def test_images_given_by_name_are_shown_from_the_chosen_score_on_and_those_of_a_list_whole(board, tmp_path):
    board.fill(b"model", task="detection", golden=[], score_threshold=0.4)
    one, wanted = picture(tmp_path), tmp_path / "list"
    wanted.write_text("a.png\n")
    told = [board.run("answer", *given)[0][0] for given in ([one], ["--score", "0", one], ["--list", wanted])]
    assert [len(message["boxes"]) for message in told] == [2, 3, 3]


def test_a_library_that_takes_no_thresholds_is_loaded_again_and_says_what_it_tells(board, tmp_path):
    detector(board, model=b"refuses")
    messages, status = board.run("answer", picture(tmp_path))
    assert status == 0 and messages[0]["least_score"] == 0.5
    assert [one["label_id"] for one in messages[0]["boxes"]] == [2]


def test_golden_boxes_that_the_board_finds_are_in_order(board):
    detector(board, SURE)
    assert board.run("check")[1] == 0


def test_golden_boxes_that_the_board_misses_are_counted(board):
    detector(board, SURE, FAINT)
    messages, status = board.run("check")
    assert status == 1 and messages[-1]["code"] == "golden-mismatch"
    assert "golden/0.png: 1 of 2 boxes" in messages[-1]["message"]


def test_one_golden_box_of_many_may_be_missed(board):
    detector(board, *[SURE] * 1, FAINT, *[{**SURE, "score": 0.05}] * 3, model=b"refuses")
    assert board.run("check")[1] == 0, "a library that tells sure boxes only is not asked for others"


def test_another_class_in_the_same_place_is_another_box(board):
    detector(board, {**SURE, "label": 1})
    assert "1 of 1 boxes" in board.run("check")[0][-1]["message"]


@pytest.mark.parametrize("boxes", [[], [FAINT]])
def test_a_golden_image_of_which_nothing_sure_is_expected_only_has_to_be_answered(board, boxes):
    detector(board, *boxes, model=b"refuses")
    assert board.run("check")[1] == 0
