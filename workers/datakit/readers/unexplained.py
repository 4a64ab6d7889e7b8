"""Files that look like annotations but no format could read: a refusal names the first of them.

The exports of some tools are recognized by a word in them, so that the refusal names the tool too.
"""

from __future__ import annotations

from workers.datakit import names
from workers.datakit.archive import Entry

from .annotated import head_of
from .folder_lists import names_images
from .folder_names import is_masks, words_of
from .upload import Upload

MAX_LOOKED_AT = 40
_TOOLS = (
    (b'"data_row"', "Labelbox"),
    (b'"region_attributes"', "VGG Image Annotator"),
    (b'"box2d"', "Scalabel (BDD100K)"),
    (b"AmlDatastore", "Azure Machine Learning"),
    (b"darwin.v7labs", "V7 Darwin"),
)
_SUFFIXES = (
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".xml",
    ".lst",
    ".xlsx",
    ".xls",
    ".mat",
    ".labels",
    ".parquet",
    ".odgt",
    ".ndjson",
    ".manifest",
)
_NO_LABELS = frozenset({
    "readme", "license", "licence", "requirements", "package", "notes", "info", "config", "meta", "classes",
    "sample", "submission", "setup", "changelog",
})  # fmt: skip


def first_unexplained(upload: Upload) -> str | None:
    """Return the path of a table, a spreadsheet, a JSON or XML file, or of a text in a folder of labels."""
    found = [entry for entry in upload.files if _looks_like_labels(entry)]
    if not found:
        lists = upload.by_suffix(".txt")[:MAX_LOOKED_AT]
        found = [entry for entry in lists if names_images(upload, entry)]
    return min(found, key=lambda entry: names.natural_key(entry.path)).path if found else None


def tool_of(upload: Upload, path: str) -> str | None:
    """Return the name of the tool that wrote the file, if it is a known but unsupported one."""
    entry = next(entry for entry in upload.files if entry.path == path)
    head = head_of(upload, entry)
    return next((name for mark, name in _TOOLS if mark in head), None)


def _looks_like_labels(entry: Entry) -> bool:
    folder, _, name = entry.path.rpartition("/")
    if set(words_of(name.rpartition(".")[0])) & _NO_LABELS:
        return False
    if name.lower().endswith(".txt"):
        return is_masks(folder.rpartition("/")[2])
    return name.lower().endswith(_SUFFIXES)
