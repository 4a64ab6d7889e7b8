"""The differences between two versions, image by image.

Images are matched by content, whatever their names; several with equal content are matched as well as
possible. No Django here: the ingest and revise programs count with it, the portal lists with it.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from .index import Index

ADDED, REMOVED, RELABELLED, MOVED = "added", "removed", "relabelled", "moved"
KINDS = (ADDED, REMOVED, RELABELLED, MOVED)
Label = tuple[int, str, str, str]  # id, sha256, label, split
Change = tuple[str, int | None, int | None]  # kind, id in the old version, id in the new one
_SCHEMA = """
CREATE TABLE changes (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, before INTEGER, after INTEGER);
CREATE INDEX changes_kind ON changes (kind, number);
"""


def changes(before: Index, after: Index) -> Iterator[Change]:
    """Yield the changes, ordered by content; linear time, constant memory.

    An image with another label (class name, or boxes) is relabelled, whether or not its split changed too;
    one that is only in another split is moved.
    """
    for ours, theirs in _paired(before.labels(), after.labels()):
        yield from _of_one_content(ours, theirs)


def counts(before: Index, after: Index) -> dict[str, int]:
    """Return how many images changed, by kind, including kinds with 0."""
    found = dict.fromkeys(KINDS, 0)
    for kind, _, _ in changes(before, after):
        found[kind] += 1
    return found


def _paired(ours: Iterator[Label], theirs: Iterator[Label]) -> Iterator[tuple[list[Label], list[Label]]]:
    """Yield the images of each content in both versions; both inputs are sorted by content."""
    left, right = (itertools.groupby(side, key=lambda label: label[1]) for side in (ours, theirs))
    one, two = next(left, None), next(right, None)
    while one or two:
        first = min(group[0] for group in (one, two) if group)
        mine = list(one[1]) if one and one[0] == first else []
        other = list(two[1]) if two and two[0] == first else []
        yield mine, other
        one = next(left, None) if mine else one
        two = next(right, None) if other else two


def _of_one_content(ours: list[Label], theirs: list[Label]) -> Iterator[Change]:
    """Cancel equal images, then those that differ only in the split, then in the label; the rest was added
    or removed.
    """
    if len(ours) == len(theirs) == 1 and ours[0][2:] == theirs[0][2:]:
        return  # as nearly all are
    _, ours, theirs = _matched(ours, theirs, lambda label: label[2:])
    moved, ours, theirs = _matched(ours, theirs, lambda label: label[2])
    yield from ((MOVED, one[0], two[0]) for one, two in moved)
    relabelled, ours, theirs = _matched(ours, theirs, lambda label: label[1])
    yield from ((RELABELLED, one[0], two[0]) for one, two in relabelled)
    yield from ((REMOVED, one[0], None) for one in ours)
    yield from ((ADDED, None, two[0]) for two in theirs)


def _matched(ours: list[Label], theirs: list[Label], key):
    """Return the pairs with equal keys, and the rest of either version, each in order."""
    waiting: dict = defaultdict(list)
    for label in reversed(theirs):
        waiting[key(label)].append(label)
    pairs, left = [], []
    for label in ours:
        if waiting.get(key(label)):
            pairs.append((label, waiting[key(label)].pop()))
        else:
            left.append(label)
    rest = {label[0] for labels in waiting.values() for label in labels}
    return pairs, left, [label for label in theirs if label[0] in rest]


def write(before: Index, after: Index, target: Path) -> None:
    """Write the list of changes to ``target``, atomically, so that reading a page is cheap."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        database = sqlite3.connect(temporary, isolation_level=None)
        database.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_SCHEMA} BEGIN;")
        rows = changes(before, after)
        database.executemany("INSERT INTO changes (kind, before, after) VALUES (?, ?, ?)", rows)
        database.execute("COMMIT")
        database.close()
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


class Changes:
    """Reads a list of changes written by ``write``. Use as a context manager."""

    def __init__(self, path: Path):
        self._database = sqlite3.connect(f"file:{path}?immutable=1", uri=True)

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def counts(self) -> dict[str, int]:
        found = self._database.execute("SELECT kind, COUNT(*) FROM changes GROUP BY kind")
        return {**dict.fromkeys(KINDS, 0), **dict(found.fetchall())}

    def page(self, kind: str | None = None, after: int = 0, limit: int = 60) -> list[tuple[int, *Change]]:
        """Up to ``limit`` changes (of one kind) numbered above ``after``, each with its number first."""
        where, values = ("kind = ? AND ", [kind]) if kind else ("", [])
        query = f"SELECT number, kind, before, after FROM changes WHERE {where}number > ?"
        found = self._database.execute(f"{query} ORDER BY number LIMIT ?", [*values, after, limit])
        return found.fetchall()
