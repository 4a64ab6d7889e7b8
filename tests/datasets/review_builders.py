"""An upload that waits for a person, and a reading that is in doubt."""

from portal.datasets import services
from portal.datasets.models import DatasetVersion
from tests.factories import class_zip

NOTHING = {
    "unread": {"count": 0, "examples": []},
    "left_out": [],
    "for": [],
    "against": [],
    "problem": None,
    "task": "classification",
}
TABLE_LEFT = {
    "kind": "no-images",
    "count": 3,
    "reason": "files that are no images",
    "examples": ["labels.csv"],
}
READING = {
    "certain": False,
    "question": "The upload can be read as class folders or CSV: choose one.",
    "refusal": None,
    "chosen": {
        **NOTHING, "format": "folders", "name": "class folders", "images": 10, "class_count": 2,
        "classes": [{"name": name, "images": 5, "train": 0, "val": 0} for name in ("cat", "dog")],
        "roles": [{"folder": name, "role": "class", "images": 5} for name in ("cat", "dog")],
        "split": {"origin": None, "train": 0, "val": 0}, "options": {},
        "left_out": [TABLE_LEFT], "against": ["A table names the same images."],
    },
    "alternatives": [{
        **NOTHING, "format": "csv", "name": "CSV", "images": 8, "class_count": 2,
        "classes": [{"name": "pug", "images": 8, "train": 0, "val": 0}], "roles": [],
        "split": {"origin": "column", "train": 0, "val": 0},
        "options": {"label_column": "breed", "tables": ["labels.csv"]},
    }],
}  # fmt: skip


def waiting_version(team, user, run_jobs) -> DatasetVersion:
    """A version that waits for a person."""
    version = services.create_version(team, user, "Pets", class_zip(), {"review": True})
    run_jobs()
    version.refresh_from_db()
    return version


def doubtful(version: DatasetVersion) -> DatasetVersion:
    version.reading, version.question = READING, READING["question"]
    version.save()
    return version
