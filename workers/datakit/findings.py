"""The findings of ingest, grouped by kind so that a million bad files stay one line.

Some findings are about files that were left out or about the upload as a whole: they are added one by one.
Others are about images of the dataset, which carry their codes (see ``marks.py``): these are counted at the
end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from workers.contract.messages import Message, counted, join

from . import names
from .advice import ADVICE
from .index import ImageRow
from .marks import MARKS

MAX_EXAMPLES = 10
ERROR = "error"
LEVELS = (ERROR, "warn", "info")
# Codes of what an upload contained and a version does not.
LEFT_OUT = frozenset({
    "outside-class-folders", "unlabelled-folders", "other-folders", "masks-left-out",
    "copied-folders", "other-formats", "unlisted-images", "missing-images", "not-images",
    "other-json", "other-xml", "test-left-out", "no-flag", "two-labels", "bad-lines",
    "bad-json", "bad-xml", "annotations-without-image", "annotations-without-box",
    "shapes-left-out", "crowds-left-out", "tables-left-out", "several-labels",
    "no-split", "small-boxes-left-out", "unclear-images-left-out",
})  # fmt: skip


@dataclasses.dataclass(slots=True)
class Finding:
    """One kind of finding. ``message`` is one sentence, which may use ``count``; ``advice`` says what to
    do; an example is the id of an image of the dataset, or None, and a text.
    """

    level: str
    code: str
    message: Message
    advice: Message
    count: int = 0
    examples: list[tuple[int | None, str]] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "code": self.code,
            "message": counted(self.message, self.count),
            "advice": self.advice,
            "count": self.count,
            "examples": [{"image": image, "text": text} for image, text in self.examples],
        }


class Findings:
    """Findings by code. An ``error`` is certainly wrong in the data; ``warn`` may be."""

    def __init__(self) -> None:
        self._by_code: dict[str, Finding] = {}

    def add(
        self, level: str, code: str, message: Message, example: str | None = None, count: int = 1
    ) -> None:
        """Count ``count`` more of ``code``; the first caller's level and message stay."""
        if level not in LEVELS:
            raise ValueError(f"unknown level {level!r}")
        finding = self._by_code.setdefault(code, Finding(level, code, message, ADVICE[code]))
        finding.count += count
        if example is not None and len(finding.examples) < MAX_EXAMPLES:
            finding.examples.append((None, example))

    def merge(self, other: Findings) -> None:
        """Add the findings of ``other``."""
        for code, finding in other._by_code.items():
            known = self._by_code.setdefault(code, finding)
            if known is not finding:
                known.count += finding.count
                known.examples = (known.examples + finding.examples)[:MAX_EXAMPLES]

    def count_marks(self, images: Iterable[ImageRow]) -> None:
        """Add a finding for each code on the images; examples are spread evenly over them."""
        marked: dict[str, list[ImageRow]] = {}
        for image in images:
            for code in image.marks:
                marked.setdefault(code, []).append(image)
        for code, members in marked.items():
            kind, shown = MARKS[code], min(MAX_EXAMPLES, len(members))
            chosen = [members[number * len(members) // shown] for number in range(shown)]
            examples = [(image.id, _text(image, code)) for image in chosen]
            self._by_code[code] = Finding(kind.level, code, kind.message, kind.advice, len(members), examples)

    def count(self, code: str) -> int:
        return self._by_code[code].count if code in self._by_code else 0

    def texts(self, code: str) -> list[str]:
        return [text for _, text in self._by_code[code].examples] if code in self._by_code else []

    def as_list(self) -> list[dict[str, Any]]:
        """Return the findings as result fields, most severe first."""
        ordered = sorted(self._by_code.values(), key=lambda finding: LEVELS.index(finding.level))
        return [finding.as_dict() for finding in ordered]


def _text(image: ImageRow, code: str) -> str:
    shown, text = names.show(image.original), image.marks[code]
    return join([shown, text], ": ")
