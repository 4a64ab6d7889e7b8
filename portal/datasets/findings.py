"""What ingest noticed about an upload, gathered by kind so that a million bad files stay one line.

A *mark* is a finding about images that are in the dataset: each of them carries its code, so that a page
can show them all, and the finding counts images. Other findings are about files that were left out, or
about the upload as a whole.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from . import names
from .index import ImageRow

MAX_EXAMPLES = 10
LEVELS = ("block", "warn", "info")


@dataclasses.dataclass(slots=True)
class Finding:
    """One kind of thing noticed. ``message`` is one sentence and may contain ``{count}``; an example is
    an image of the dataset, or None, and a text."""

    level: str
    code: str
    message: str
    count: int = 0
    examples: list[tuple[ImageRow | None, str]] = dataclasses.field(default_factory=list)

    def add(self, text: str | None, image: ImageRow | None = None, count: int = 1) -> None:
        self.count += count
        if text is not None and len(self.examples) < MAX_EXAMPLES:
            self.examples.append((image, text))

    def as_dict(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "code": self.code,
            "message": self.message.replace("{count}", str(self.count)),
            "advice": "",
            "count": self.count,
            "examples": [{"image": image.id if image else None, "text": text}
                         for image, text in self.examples],
        }  # fmt: skip


class Findings:
    """Findings by code. ``block`` means: shown, kept, but not to be trained on until mended."""

    def __init__(self) -> None:
        self._by_code: dict[str, Finding] = {}

    def _finding(self, level: str, code: str, message: str) -> Finding:
        if level not in LEVELS:
            raise ValueError(f"unknown level {level!r}")
        return self._by_code.setdefault(code, Finding(level, code, message))

    def add(self, level: str, code: str, message: str, example: str | None = None, count: int = 1) -> None:
        """Count ``count`` more of ``code``; the first caller's level and message stay."""
        self._finding(level, code, message).add(example, count=count)

    def mark(self, level: str, code: str, message: str, image: ImageRow, text: str = "") -> None:
        """Count ``image`` to ``code``, once however often it is marked; ``text`` is about it alone."""
        finding = self._finding(level, code, message)
        if code in image.marks:
            return
        image.marks[code] = text
        shown = names.show(image.original)
        finding.add(f"{shown}: {text}" if text else shown, image)

    def count(self, code: str) -> int:
        return self._by_code[code].count if code in self._by_code else 0

    def texts(self, code: str) -> list[str]:
        return [text for _, text in self._by_code[code].examples] if code in self._by_code else []

    def as_list(self) -> list[dict[str, Any]]:
        """Return the findings as result fields, the gravest first. Images have their ids by now."""
        ordered = sorted(self._by_code.values(), key=lambda finding: LEVELS.index(finding.level))
        return [finding.as_dict() for finding in ordered]
