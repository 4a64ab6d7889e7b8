"""What a person says of folders: every role counts, at any depth, and in every format."""

from __future__ import annotations

from annotation_builders import coco_set, index
from upload_builders import finding, ingested, png, zipped


class Drawing:
    """Files that are added folder by folder, each with pictures of its own."""

    def __init__(self):
        self.files: dict[str, bytes] = {}

    def folder(self, path: str, count: int = 5) -> Drawing:
        for number in range(count):
            self.files[f"{path}/{len(self.files)}_{number}.png"] = png(7 * len(self.files) + number)
        return self


def read(tmp_path, drawing: Drawing, **roles: str) -> tuple[dict, dict[str, str], set[str]]:
    """Return the result, {folder of an image: its class} and the folders of validation images."""
    given = {folder.replace("__", "/"): role for folder, role in roles.items()}
    result, artifacts = ingested(tmp_path, zipped(drawing.files), reading={"roles": given})
    rows = index(artifacts)
    folder = {row["original"]: row["original"].rpartition("/")[0] for row in rows}
    classes = {folder[row["original"]]: result["class_names"][row["class_id"]] for row in rows}
    return result, classes, {folder[row["original"]] for row in rows if row["split"] == "val"}


def test_parts_are_looked_through(tmp_path):
    drawing = Drawing()
    for shift in ("early", "late"):
        drawing.folder(f"{shift}/cat").folder(f"{shift}/dog")
    _, classes, _ = read(tmp_path, drawing, early="part", late="part")
    assert classes == {"early/cat": "cat", "early/dog": "dog", "late/cat": "cat", "late/dog": "dog"}


def test_folders_of_images_are_looked_through_too(tmp_path):
    drawing = Drawing().folder("cat/front").folder("cat/back").folder("dog/front").folder("dog/back")
    roles = {f"{name}__{side}": "images" for name in ("cat", "dog") for side in ("front", "back")}
    assert set(read(tmp_path, drawing, **roles)[1].values()) == {"cat", "dog"}


def test_a_class_may_lie_at_any_depth(tmp_path):
    drawing = Drawing().folder("animals/dogs/pug").folder("animals/dogs/beagle").folder("animals/cats")
    _, classes, _ = read(tmp_path, drawing, animals__dogs__pug="class")
    assert classes == {
        "animals/dogs/pug": "pug", "animals/dogs/beagle": "beagle", "animals/cats": "cats"
    }  # fmt: skip


def test_a_class_below_a_split_stays_in_it(tmp_path):
    drawing = Drawing()
    for split in ("train", "val"):
        drawing.folder(f"{split}/animals/pug").folder(f"{split}/animals/cat").folder(f"{split}/other/cup")
    result, classes, val = read(tmp_path, drawing, train__animals__pug="class", val__animals__pug="class")
    assert result["split"] == "given" and set(classes.values()) == {"pug", "cat", "other"}
    assert val == {"val/animals/pug", "val/animals/cat", "val/other/cup"}


def test_a_folder_without_labels_or_of_masks_is_left_out_at_any_depth(tmp_path):
    drawing = Drawing().folder("train/cat").folder("train/dog").folder("train/maybe").folder("train/drawn")
    drawing.folder("val/cat").folder("val/dog")
    result, classes, _ = read(tmp_path, drawing, train__maybe="unlabelled", train__drawn="masks")
    assert set(classes.values()) == {"cat", "dog"}
    assert finding(result, "unlabelled-folders")["count"] == 10
    roles = {row["folder"]: (row["role"], row["images"]) for row in result["reading"]["chosen"]["roles"]}
    assert roles["train/maybe"] == ("unlabelled", 5) and roles["train/drawn"] == ("masks", 5)


def test_masks_are_classes_if_a_person_says_so(tmp_path):
    drawing = Drawing().folder("faces").folder("masks")
    assert set(read(tmp_path, drawing, masks="class", faces="class")[1].values()) == {"faces", "masks"}


def test_a_folder_is_a_split_if_a_person_says_so(tmp_path):
    drawing = Drawing().folder("first/cat").folder("first/dog").folder("second/cat").folder("second/dog")
    result, _, val = read(tmp_path, drawing, first="train", second="val")
    assert result["split"] == "given" and val == {"second/cat", "second/dog"}


def test_a_split_may_lie_below_classes(tmp_path):
    drawing = Drawing().folder("cat/a", 6).folder("cat/b", 2).folder("dog/a", 6).folder("dog/b", 2)
    roles = {"cat__b": "val", "dog__b": "val", "cat": "class", "dog": "class"}
    result, classes, val = read(tmp_path, drawing, **roles)
    assert result["split"] == "given" and val == {"cat/b", "dog/b"}
    assert set(classes.values()) == {"cat", "dog"}


def test_roles_of_splits_count_for_annotations_as_well(tmp_path):
    files = {
        path.replace("images/a", "late/a").replace("images/b", "late/b"): data
        for path, data in coco_set().items()
    }
    files = {path.replace("instances_val2017", "instances"): data for path, data in files.items()}
    result, artifacts = ingested(
        tmp_path, zipped(files), reading={"roles": {"late": "val", "images": "train"}}
    )
    assert result["layout"] == "COCO" and result["split"] == "given"
    assert {row["original"].rpartition("/")[0]: row["split"] for row in index(artifacts)} == {
        "late": "val", "images": "train"
    }  # fmt: skip


def test_a_class_among_the_roles_means_class_folders(tmp_path):
    drawing = Drawing().folder("cat").folder("dog")
    rows = [f"{path},{'xy'[n % 2]}" for n, path in enumerate(drawing.files)]
    drawing.files["labels.csv"] = "\n".join(["path,label", *rows]).encode()
    assert set(read(tmp_path, drawing, cat="class")[1].values()) == {"cat", "dog"}


def test_a_class_with_masks_among_its_images_is_shown_as_a_class(tmp_path):
    drawing = Drawing().folder("cat").folder("cat/masks").folder("dog")
    drawing.files |= {"dog/last.png": png(901), "dog/last_mask.png": png(902)}
    result, classes, _ = read(tmp_path, drawing)
    roles = {row["folder"]: (row["role"], row["images"]) for row in result["reading"]["chosen"]["roles"]}
    assert classes == {"cat": "cat", "dog": "dog"}
    assert roles == {"cat": ("class", 5), "cat/masks": ("masks", 5), "dog": ("class", 6)}
    assert finding(result, "masks-left-out")["count"] == 6
