from workers.convert.parity import summarise


def predictions(*rows):
    return [{"label": label, "onnx": onnx, "int8": int8} for label, onnx, int8 in rows]


def test_both_models_are_counted_on_the_same_images():
    report = summarise(predictions((0, 0, 0), (0, 0, 1), (1, 1, 1), (1, 0, 0)), ["a", "b"])
    assert (report["images"], report["onnx_top1"], report["int8_top1"]) == (4, 0.75, 0.5)
    assert (report["drop"], report["agreement"]) == (0.25, 0.75)


def test_each_class_is_counted_by_itself():
    report = summarise(predictions((0, 0, 0), (0, 0, 1), (1, 1, 1)), ["a", "b"])
    assert report["per_class"] == [
        {"id": 0, "name": "a", "images": 2, "onnx_top1": 1.0, "int8_top1": 0.5},
        {"id": 1, "name": "b", "images": 1, "onnx_top1": 1.0, "int8_top1": 1.0},
    ]


def test_a_class_without_images_has_no_accuracy():
    report = summarise(predictions((0, 0, 0)), ["a", "b"])
    assert report["per_class"][1]["int8_top1"] is None
