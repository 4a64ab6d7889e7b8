"""What a detector's predictions are on the command line."""

from slipway.cli.commands.devices import _lines
from slipway.cli.commands.keeping import _image

IMAGE = {"name": "a.png", "label": "", "score": None, "milliseconds": 5.5, "error": "", "note": ""}
BOXES = [
    {"label_id": 0, "label": "cat", "score": 0.9, "box": [1.5, 2, 30, 40]},
    {"label_id": 1, "label": "dog", "score": 0.1, "box": [0, 0, 5, 5]},
]


def test_each_box_that_is_sure_enough_has_a_line():
    lines = _lines({**IMAGE, "prediction": {"boxes": BOXES}}, 0.25)
    assert [(line[0], line[1], line[4]) for line in lines] == [("a.png", "cat", "30 × 40 at 2, 2")]
    assert len(_lines({**IMAGE, "prediction": {"boxes": BOXES}}, 0.05)) == 2


def test_an_image_without_boxes_has_a_line_too():
    ((name, words, *_),) = _lines({**IMAGE, "prediction": {"boxes": []}}, 0.25)
    assert (name, words) == ("a.png", "no boxes")


def test_a_classifiers_label_and_an_error_stay_as_they_were():
    image = {**IMAGE, "label": "cat", "score": 0.98, "prediction": {"label": "cat"}}
    assert _lines(image, 0.25)[0][1] == "cat"
    assert _lines({**IMAGE, "error": "No.", "prediction": {}}, 0.25)[0][4] == "No."


def test_a_change_of_boxes_says_how_many_there_are():
    sides = [
        {"class_name": None, "split": "val", "boxes": [["cat", 1, 1, 9, 9]] * count} for count in (0, 1, 2)
    ]
    assert [_image(side) for side in sides] == ["0 boxes (val)", "1 box (val)", "2 boxes (val)"]
    assert _image({"class_name": "cat", "split": "train", "boxes": None}) == "cat (train)"
    assert _image(None) == ""
