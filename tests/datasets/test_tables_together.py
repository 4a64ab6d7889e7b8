"""Several tables that speak of the same images."""

from __future__ import annotations

from upload_builders import ingested, png, refused, zipped

NAMES = [f"{n:02}.png" for n in range(14)]


def upload(**tables: str) -> bytes:
    files = {f"images/{name}": png(n) for n, name in enumerate(NAMES)}
    return zipped(files | {f"{name}.csv": text.encode() for name, text in tables.items()})


def table(label_of, names=NAMES) -> str:
    return "\n".join(["filename,label", *(f"{name},{label_of(n)}" for n, name in enumerate(names))])


def by_two(n: int) -> str:
    return ("cat", "dog")[n % 2]


def test_tables_that_disagree_are_both_named_with_ten_examples(tmp_path):
    sentence = refused(tmp_path, upload(a=table(by_two), b=table(lambda n: by_two(n + (n < 12)))))
    assert "The tables a.csv and b.csv label 12 images differently" in sentence
    assert len(sentence.split(" or ")) == 11


def test_a_table_that_agrees_is_not_named_among_those_that_disagree(tmp_path):
    tables = {"a": table(by_two, NAMES[:6]), "b": table(by_two), "c": table(lambda n: by_two(n + (n > 9)))}
    assert "The tables b.csv and c.csv label 4 images differently" in refused(tmp_path, upload(**tables))


def test_a_split_counts_whichever_table_says_it(tmp_path):
    tables = {"labels": table(by_two), "train": table(by_two, NAMES[:10])}
    result, _ = ingested(tmp_path, upload(**tables, valid="\n".join(
        ["filename,label", *(f"{NAMES[n]},{by_two(n)}" for n in range(10, 14))])))  # fmt: skip
    assert (result["split"], result["train"], result["val"]) == ("given", 10, 4)


def test_an_image_in_the_tables_of_both_splits_is_for_validation_only(tmp_path):
    valid = "\n".join(["filename,label", *(f"{NAMES[n]},{by_two(n)}" for n in range(9, 14))])
    result, _ = ingested(tmp_path, upload(train=table(by_two, NAMES[:10]), valid=valid))
    assert (result["split"], result["train"], result["val"]) == ("given", 9, 5)
