"""The result of a reader: how it would read an upload, and the evidence for and against that.

A reader fills a ``Reading`` and never refuses the whole upload; ``judge.py`` compares the readings and
returns a ``Judgement``. Both have a JSON form of bounded size: counts and a few examples.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Container, Iterable
from typing import Any

from workers.contract.messages import join
from workers.contract.splits import SPLITS
from workers.datakit import names
from workers.datakit.findings import LEFT_OUT, MAX_EXAMPLES, Findings
from workers.datakit.flatboxes import class_ids

from .listing import Listing, Sample

# The roles of folders.
CLASS, PART = "class", "part"
IMAGES, MASKS, IGNORED, UNLABELLED = "images", "masks", "ignored", "unlabelled"
SPLIT_ROLES = (TRAIN, VAL, TEST) = SPLITS
ROLES = (CLASS, *SPLIT_ROLES, PART, IMAGES, MASKS, IGNORED, UNLABELLED)

# The origin of a split.
BY_FOLDERS, BY_LISTS, BY_COLUMN, BY_FILE_NAMES = "folders", "lists", "column", "file names"

MAX_CLASSES_SHOWN = 200
MAX_ROLES_SHOWN = 200
MAX_COLUMNS_SHOWN = 200
MAX_TEXT = 300


@dataclasses.dataclass(slots=True)
class Counted:
    """A count, and the first few items as text."""

    count: int = 0
    examples: list[str] = dataclasses.field(default_factory=list)

    def add(self, example: str) -> None:
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(_short(example))

    def as_json(self) -> dict[str, Any]:
        return {"count": self.count, "examples": self.examples}


@dataclasses.dataclass(slots=True)
class Reading:
    """One way to read an upload.

    ``listing`` is None exactly if ``problem`` says why nothing can be read this way. ``findings`` report what
    was left out or changed; they become the job's if this reading is chosen. ``used`` holds the options that
    give this very reading again. ``files`` are the paths of the annotation files that it explains,
    ``unlabelled`` those of images known to be unlabelled. A sentence in ``against`` makes the judge ask a
    person. ``found_by`` is the path of a file that indicates the format. ``columns`` are the titles of the
    table in use, for a person to choose from. A reading that ``gives_way`` is no rival of any annotations.
    """

    format: str
    name: str
    listing: Listing | None = None
    findings: Findings = dataclasses.field(default_factory=Findings)
    roles: dict[str, str] = dataclasses.field(default_factory=dict)
    split_origin: str | None = None
    used: dict[str, Any] = dataclasses.field(default_factory=dict)
    files: set[str] = dataclasses.field(default_factory=set)
    unlabelled: set[str] = dataclasses.field(default_factory=set)
    unread: Counted = dataclasses.field(default_factory=Counted)
    signs: list[str] = dataclasses.field(default_factory=list)
    against: list[str] = dataclasses.field(default_factory=list)
    problem: str | None = None
    found_by: str | None = None
    columns: list[str] = dataclasses.field(default_factory=list)
    gives_way: bool = False
    _summary: dict[str, Any] | None = None

    @property
    def samples(self) -> list[Sample]:
        return self.listing.samples if self.listing is not None else []

    @property
    def task(self) -> str | None:
        return self.listing.task if self.listing is not None else None

    @property
    def has_boxes(self) -> bool:
        return self.listing is not None and self.listing.has_boxes

    def cannot_read(self, path: str, reason: str) -> None:
        """Note that a file could not be read; ``reason`` is a part of a sentence or a whole one."""
        self.unread.add(join([names.show(path), reason], ": "))

    def left_out(self, kind: str, message: str, example: str, count: int = 1, level: str = "info") -> None:
        """Note what this reading leaves out; ``kind`` is the code of a finding."""
        self.findings.add(level, kind, message, example, count)

    def sign(self, sentence: str) -> None:
        self.signs.append(sentence)

    def doubt(self, sentence: str) -> None:
        """Object to this reading: a person must decide, unless an option already does."""
        if sentence not in self.against:
            self.against.append(sentence)

    def release(self) -> None:
        """Keep the summary and release the samples, for a reading that is not chosen."""
        self._summary = self.as_json()
        self.listing = None

    def as_json(self) -> dict[str, Any]:
        if self._summary is not None:
            return self._summary
        counts = _class_rows(self.listing) if self.listing is not None else []
        sides = Counter(sample.split for sample in self.samples)
        return {
            "format": self.format,
            "name": self.name,
            "task": self.task,
            "images": len(self.samples),
            "class_count": len(counts),
            "classes": counts[:MAX_CLASSES_SHOWN],
            "roles": self._roles(),
            "split": {"origin": self.split_origin, **{split: sides[split] for split in SPLIT_ROLES}},
            "options": self.used,
            "columns": [_short(title) for title in self.columns[:MAX_COLUMNS_SHOWN]],
            "left_out": _left_out(self.findings),
            "unread": self.unread.as_json(),
            "for": [_short(text) for text in self.signs[:MAX_EXAMPLES]],
            "against": [_short(text) for text in self.against[:MAX_EXAMPLES]],
            "problem": self.problem,
        }

    def _roles(self) -> list[dict[str, Any]]:
        """Return the folders with their roles; masks in the folder of a class are not counted."""
        shown = dict(list(self.roles.items())[:MAX_ROLES_SHOWN])
        used = self._inside(shown, (sample.entry.path for sample in self.samples))
        aside = self._inside(shown, self.unlabelled)
        return [
            {"folder": folder, "role": role, "images": used[folder] + (aside[folder] if role != CLASS else 0)}
            for folder, role in shown.items()
        ]

    @staticmethod
    def _inside(folders: Container[str], paths: Iterable[str]) -> Counter[str]:
        """Count the paths in and below each of ``folders``."""
        return Counter(folder for path in paths for folder in _folders_above(path) if folder in folders)


@dataclasses.dataclass(slots=True)
class Judgement:
    """The judgement of an upload: the chosen reading, or a question about it, or a refusal.

    ``certain`` is False if a person must review it; ``question`` then says why and how to choose another.
    ``refusal`` gives every reason why nothing could be read; ``chosen`` is None then.
    """

    chosen: Reading | None = None
    question: str | None = None
    refusal: str | None = None
    alternatives: list[Reading] = dataclasses.field(default_factory=list)

    @property
    def certain(self) -> bool:
        return self.chosen is not None and self.question is None

    def as_json(self) -> dict[str, Any]:
        return {
            "certain": self.certain,
            "question": self.question,
            "refusal": self.refusal,
            "chosen": self.chosen.as_json() if self.chosen is not None else None,
            "alternatives": [reading.as_json() for reading in self.alternatives],
        }


def _class_rows(listing: Listing) -> list[dict[str, Any]]:
    """Return name, images, train, val and test of each class; for boxes, the images that have one."""
    counts: Counter[tuple[int, str | None]] = Counter()
    for sample in listing.samples:
        ids = set(class_ids(sample.boxes)) if listing.has_boxes else {sample.class_id}
        counts.update((class_id, sample.split) for class_id in ids)
    rows = []
    for class_id, name in enumerate(listing.class_names):
        by_split = {split: counts[class_id, split] for split in SPLIT_ROLES}
        images = sum(by_split.values()) + counts[class_id, None]
        rows.append({"name": name, "images": images, **by_split})
    return rows


def _left_out(findings: Findings) -> list[dict[str, Any]]:
    return [
        {
            "kind": row["code"],
            "count": row["count"],
            "reason": row["message"],
            "examples": [_short(example["text"]) for example in row["examples"]],
        }
        for row in findings.as_list()
        if row["code"] in LEFT_OUT
    ]


def _folders_above(path: str) -> Iterable[str]:
    at = path.rfind("/")
    while at > 0:
        path = path[:at]
        yield path
        at = path.rfind("/")


def _short(text: str) -> str:
    """Return ``text``, truncated if long; a message of acceptable length stays one."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
