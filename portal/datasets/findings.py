"""What ingest noticed about an upload, gathered by kind so that a million bad files stay one line."""

from __future__ import annotations

import dataclasses
from typing import Any

MAX_EXAMPLES = 10
LEVELS = ("block", "warn", "info")


@dataclasses.dataclass(slots=True)
class Finding:
    """One kind of thing noticed. ``message`` is one sentence and may contain ``{count}``."""

    level: str
    code: str
    message: str
    count: int = 0
    examples: list[str] = dataclasses.field(default_factory=list)


class Findings:
    """Findings by code. ``block`` means: shown, kept, but not to be trained on until mended."""

    def __init__(self) -> None:
        self._by_code: dict[str, Finding] = {}

    def add(self, level: str, code: str, message: str, example: str | None = None, count: int = 1) -> None:
        """Count ``count`` more of ``code``; the first caller's level and message stay."""
        if level not in LEVELS:
            raise ValueError(f"unknown level {level!r}")
        finding = self._by_code.setdefault(code, Finding(level, code, message))
        finding.count += count
        if example is not None and len(finding.examples) < MAX_EXAMPLES:
            finding.examples.append(example)

    def count(self, code: str) -> int:
        return self._by_code[code].count if code in self._by_code else 0

    def examples(self, code: str) -> list[str]:
        return list(self._by_code[code].examples) if code in self._by_code else []

    def as_list(self) -> list[dict[str, Any]]:
        """Return the findings as result fields, the gravest first."""
        ordered = sorted(self._by_code.values(), key=lambda finding: LEVELS.index(finding.level))
        return [
            {**dataclasses.asdict(finding), "message": finding.message.replace("{count}", str(finding.count))}
            for finding in ordered
        ]
