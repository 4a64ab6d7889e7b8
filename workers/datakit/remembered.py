"""Reads an upload as the dataset's earlier versions were read, with the options confirmed then.

They take precedence over detection, and yield to current options. An upload that they do not fit is detected
from scratch, and a person is asked.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from workers.contract.messages import join, msg

from .archive import Archive
from .errors import InputError
from .readers import LAYOUTS, Judgement, ReadingOptions, judge


@dataclasses.dataclass(frozen=True, slots=True)
class Remembered:
    """How an earlier version was read: the given options, and its format."""

    options: dict[str, Any]
    format: str | None

    @classmethod
    def from_params(cls, given: Any) -> Remembered | None:
        """The portal's stored reading; None if there is none, or none that this release understands."""
        if not isinstance(given, dict) or not isinstance(given.get("options"), dict):
            return None
        format = given.get("format")
        if given["options"].get("as", "folders") not in LAYOUTS:
            return None
        return cls(given["options"], format if isinstance(format, str) and format in LAYOUTS else None)


def judged(
    archive: Archive, said: dict[str, Any], now: ReadingOptions, earlier: Remembered | None
) -> Judgement:
    """Judge an upload by the current options, completed by remembered ones.

    ``said`` is what ``now`` was parsed from. Raises InputError as ``judge`` does.
    """
    if earlier is None or (now.format and now.format != earlier.format):
        return judge(archive, now)
    if earlier.options:
        found = _as_before(archive, {**earlier.options, **said})
        if found is not None:
            return found
    judgement = judge(archive, now)
    if judgement.chosen is not None and not now.format:
        judgement.question = join([_changed(judgement, earlier), judgement.question or ""]) or None
    return judgement


def _as_before(archive: Archive, options: dict[str, Any]) -> Judgement | None:
    """The judgement of an upload with these options; None if they do not fit it."""
    try:
        judgement = judge(archive, ReadingOptions.from_params(options))
    except InputError:
        return None
    return judgement if judgement.chosen is not None else None


def _changed(judgement: Judgement, earlier: Remembered) -> str:
    """A sentence about what differs from before; empty if nothing does."""
    if earlier.format and judgement.chosen.format != earlier.format:
        return msg(
            "Earlier versions of this dataset were read as {before}, and this upload is read as {now}.",
            before=LAYOUTS[earlier.format].name,
            now=judgement.chosen.name,
        )
    if earlier.options:
        return msg("This upload cannot be read as the dataset's earlier versions were.")
    return ""
