"""Class folders and PaddleX lists, as they are laid out and written."""

from __future__ import annotations

from pathlib import Path

import pytest
from upload_builders import (
    examples,
    finding,
    index,
    ingested,
    noticed,
    png,
    refused,
    two_classes,
    zipped,
)

from workers.datakit.readers.paddlex_lists import split_line


def splits(artifacts: Path) -> dict[str, str]:
    return {row["original"]: row["split"] for row in index(artifacts)}


WRAPPERS = ["", "Dataset/", "我的数据/", "outer/Dataset/", "a/b/c/d/"]


@pytest.mark.parametrize("prefix", WRAPPERS)
def test_class_folders_are_found_in_any_number_of_outer_folders(tmp_path, prefix):
    result, artifacts = ingested(tmp_path, zipped(two_classes(prefix=prefix)))
    assert result["layout"] == "class folders" and result["class_names"] == ["cat", "dog"]
    assert result["counts"][0] == {"name": "cat", "train": 4, "val": 1, "test": 0, "total": 5}
    assert all(row["original"].startswith(prefix) for row in index(artifacts))


def test_a_readme_beside_the_outer_folder_changes_nothing(tmp_path):
    files = {"readme.txt": b"x", **two_classes(prefix="Dataset/")}
    result, _ = ingested(tmp_path, zipped(files))
    assert result["class_names"] == ["cat", "dog"]
    assert examples(result, "not-images") == ["readme.txt"]


def test_litter_of_operating_systems_is_ignored(tmp_path):
    litter = {"__MACOSX/cat/._0.png": b"x", "cat/.DS_Store": b"x", "dog/Thumbs.db": b"x", "cat/._1.png": b"x",
              ".git/a.png": b"x", "desktop.ini": b"x"}  # fmt: skip
    result, _ = ingested(tmp_path, zipped({**two_classes(), **litter}))
    assert result["images"] == 10 and noticed(result) == []


def test_backslashes_of_old_windows_tools_are_separators(tmp_path):
    files = {name.replace("/", "\\"): content for name, content in two_classes(prefix="Data/").items()}
    assert ingested(tmp_path, zipped(files))[0]["class_names"] == ["cat", "dog"]


def test_classes_are_in_natural_order(tmp_path):
    files = {f"{name}/{i}.png": png(100 * name + i) for name in (10, 2, 1) for i in range(2)}
    assert ingested(tmp_path, zipped(files))[0]["class_names"] == ["1", "2", "10"]


def test_images_outside_class_folders_are_reported_and_left_out(tmp_path):
    result, _ = ingested(tmp_path, zipped({**two_classes(), "cover.jpg": png(9)}))
    assert result["images"] == 10
    assert examples(result, "outside-class-folders") == ["cover.jpg"]


def test_images_in_folders_below_a_class_count_to_the_class(tmp_path):
    files = {**two_classes(), "cat/night/1.png": png(50), "cat/night/2.png": png(51)}
    result, _ = ingested(tmp_path, zipped(files))
    assert result["counts"][0]["total"] == 7 and finding(result, "nested-folders")["count"] == 2


def test_an_empty_folder_is_mentioned(tmp_path):
    result, _ = ingested(tmp_path, zipped({**two_classes(), "horse/": b""}))
    assert examples(result, "empty-folders") == ["horse"]


@pytest.mark.parametrize("train, val", [("train", "val"), ("Train", "Valid"), ("training", "validation")])
def test_train_and_val_folders_are_a_given_split(tmp_path, train, val):
    files = {**two_classes(4, f"D/{train}/"), f"D/{val}/cat/a.png": png(70), f"D/{val}/dog/b.png": png(71)}
    result, artifacts = ingested(tmp_path, zipped(files))
    assert result["split"] == "given" and (result["train"], result["val"]) == (8, 2)
    assert splits(artifacts)[f"D/{val}/cat/a.png"] == "val"


def test_a_test_folder_is_the_test_split(tmp_path):
    files = {**two_classes(4, "train/"), "test/cat/a.png": png(70), "test/dog/b.png": png(71)}
    result, _ = ingested(tmp_path, zipped(files))
    assert (result["train"], result["val"], result["test"]) == (6, 2, 2)
    (tmp_path / "two").mkdir()
    files |= {"val/cat/c.png": png(80), "val/dog/d.png": png(81)}
    result, artifacts = ingested(tmp_path / "two", zipped(files))
    assert (result["train"], result["val"], result["test"]) == (8, 2, 2)
    assert splits(artifacts)["test/cat/a.png"] == "test"
    assert result["counts"][0] == {"name": "cat", "train": 4, "val": 1, "test": 1, "total": 6}


def test_a_class_missing_from_the_test_split_is_named(tmp_path):
    files = {**two_classes(4, "train/"), "val/cat/a.png": png(70), "val/dog/b.png": png(71)}
    result, _ = ingested(tmp_path, zipped({**files, "test/cat/c.png": png(72)}))
    assert examples(result, "no-test-images") == ["dog"]


def test_a_class_missing_from_a_given_split_is_named(tmp_path):
    files = {**two_classes(4, "train/"), "val/cat/a.png": png(70)}
    result, _ = ingested(tmp_path, zipped(files))
    assert examples(result, "no-val-images") == ["dog"]
    (tmp_path / "two").mkdir()
    files = {**two_classes(4, "train/"), "val/cow/a.png": png(70), "val/cow/b.png": png(71)}
    assert "'cow' has no image in the training split" in refused(tmp_path / "two", zipped(files))


def test_train_and_val_folders_without_class_folders_are_refused(tmp_path):
    files = {f"{split}/{i}.png": png(i) for split in ("train", "val") for i in range(3)}
    assert "train and val hold images directly" in refused(tmp_path, zipped(files))


def paddlex(lines: list[str], val: list[str], labels: str | None = "0 cat\n1 dog\n", prefix: str = "",
            **extra: bytes) -> bytes:  # fmt: skip
    files = {f"{prefix}images/{i}.png": png(i) for i in range(8)}
    files[f"{prefix}train.txt"] = "\n".join(lines).encode()
    files[f"{prefix}val.txt"] = "\n".join(val).encode()
    if labels is not None:
        files[f"{prefix}label.txt"] = labels.encode()
    return zipped({**files, **extra})


TRAIN = ["images/0.png 0", "images/1.png 0", "images/2.png 1", "images/3.png 1"]
VAL = ["images/4.png 0", "images/5.png 1"]


@pytest.mark.parametrize("prefix", WRAPPERS)
def test_paddlex_lists_give_split_and_names(tmp_path, prefix):
    result, artifacts = ingested(tmp_path, paddlex(TRAIN, VAL, prefix=prefix))
    assert result["layout"] == "PaddleX lists" and result["split"] == "given"
    assert result["class_names"] == ["cat", "dog"] and (result["train"], result["val"]) == (4, 2)
    assert splits(artifacts)[f"{prefix}images/5.png"] == "val"
    assert finding(result, "unlisted-images")["count"] == 2


WRITINGS = {
    "tabs": "images/{}.png\t{}",
    "two spaces": "images/{}.png  {}",
    "a space at the end": "images/{}.png {} ",
    "a dot": "./images/{}.png {}",
    "backslashes": "images\\{}.png {}",
    "the vendor's tool on Windows": "..\\images\\{}.png {}",
    "an absolute path of a notebook service": "/home/user/data/Dataset/images/{}.png {}",
    "another case": "Images/{}.PNG {}",
    "Windows line ends": "images/{}.png {}\r",
}


@pytest.mark.parametrize("writing", WRITINGS.values(), ids=WRITINGS.keys())
def test_paths_in_lists_may_be_written_in_many_ways(tmp_path, writing):
    train = [writing.format(i, i // 2) for i in range(4)]
    val = [writing.format(4 + i, i) for i in range(2)]
    result, _ = ingested(tmp_path, paddlex(train, val))
    assert (result["train"], result["val"]) == (4, 2)


def test_a_list_line_is_split_at_the_last_tab_or_space():
    assert split_line("my images/a b.png 3") == ("my images/a b.png", "3")
    assert split_line("my images/a b.png\t3") == ("my images/a b.png", "3")
    assert split_line("a.png\tbig dog") == ("a.png", "big dog")
    assert split_line("a.png") == ("", "a.png")


def test_class_names_in_place_of_ids_are_understood(tmp_path):
    train = [line[:-1] + ("cat" if line[-1] == "0" else "dog") for line in TRAIN]
    assert ingested(tmp_path, paddlex(train, VAL))[0]["train"] == 4


def test_lines_that_are_no_lines_and_images_that_are_missing_are_reported(tmp_path):
    result, _ = ingested(tmp_path, paddlex([*TRAIN, "nonsense", "images/99.png 0", "images/6.png cow"], VAL))
    assert finding(result, "bad-lines")["count"] == 2
    assert examples(result, "missing-images") == ["images/99.png"]


def test_without_label_txt_classes_are_named_after_their_ids(tmp_path):
    result, _ = ingested(tmp_path, paddlex(TRAIN, VAL, labels=None))
    assert result["class_names"] == ["0", "1"] and finding(result, "no-label-file")["level"] == "warn"


def test_names_alone_and_names_with_spaces_are_read_from_label_txt(tmp_path):
    result, _ = ingested(tmp_path, paddlex(TRAIN, VAL, labels="0 大 猫\n1\tbig dog\n"))
    assert result["class_names"] == ["大 猫", "big dog"]
    (tmp_path / "two").mkdir()
    assert ingested(tmp_path / "two", paddlex(TRAIN, VAL, labels="7\n8\n"))[0]["class_names"] == ["7", "8"]


def test_ids_with_gaps_are_renumbered(tmp_path):
    train = [line.replace("png 1", "png 5").replace("png 0", "png 2") for line in TRAIN]
    val = [line.replace("png 1", "png 5").replace("png 0", "png 2") for line in VAL]
    result, _ = ingested(tmp_path, paddlex(train, val, labels="2 cat\n5 dog\n9 cow\n"))
    assert result["class_names"] == ["cat", "dog"]
    assert finding(result, "renumbered-ids") and examples(result, "empty-classes") == ["cow"]


def test_an_id_that_label_txt_does_not_name_blocks(tmp_path):
    result, _ = ingested(tmp_path, paddlex(TRAIN, VAL, labels="0 cat\n"))
    assert result["class_names"] == ["cat", "1"] and finding(result, "unnamed-ids")["level"] == "error"


@pytest.mark.parametrize("labels, expected", [
    ("0 cat\n0 dog\n", "gives the id 0 to 'cat' and to 'dog'"),
    ("0 cat\n1 cat\n", "gives the name 'cat' to the ids 0 and 1"),
    ("\n \n", "is empty"),
])  # fmt: skip
def test_a_label_txt_that_contradicts_itself_is_refused(tmp_path, labels, expected):
    assert expected in refused(tmp_path, paddlex(TRAIN, VAL, labels=labels))


def test_without_a_val_list_the_split_is_drawn(tmp_path):
    result, _ = ingested(tmp_path, paddlex(TRAIN + VAL, []))
    assert result["split"] == "stratified" and result["val"] == 2 and finding(result, "no-val-list")


def test_an_image_with_two_labels_is_left_out_and_one_in_both_lists_is_for_validation(tmp_path):
    result, artifacts = ingested(tmp_path, paddlex([*TRAIN, "images/6.png 0", "images/6.png 1", VAL[0]], VAL))
    assert examples(result, "two-labels") == ["images/6.png"]
    assert finding(result, "in-both-splits")["count"] == 1
    assert splits(artifacts)["images/4.png"] == "val" and result["images"] == 6


def test_lists_that_name_nothing_in_the_zip_are_refused(tmp_path):
    assert "No line of train.txt" in refused(tmp_path, paddlex(["x/1.png 0"], ["x/2.png 1"]))


def test_lists_in_gbk_and_utf_16_are_read(tmp_path):
    labels = {"gb18030": "0 猫\n1 狗\n".encode("gb18030"), "utf-16": "0 猫\n1 狗\n".encode("utf-16")}
    for encoding, content in labels.items():
        (tmp_path / encoding).mkdir()
        upload = paddlex(TRAIN, VAL, labels=None, **{"label.txt": content})
        assert ingested(tmp_path / encoding, upload)[0]["class_names"] == ["猫", "狗"]
