"""What a virtual board can be ordered to do wrong, and when."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any


class BadOrder(ValueError):
    """The control file is invalid; the message says why."""


@dataclass
class Moment:
    """When something happens, once: at the n-th event, at an event that contains a text, after n bytes.

    Events are the starts and ends of commands (``exec …``, ``exit …``) and the calls of SFTP (``sftp open
    …``, ``sftp write …``, ``sftp close …``), counted from 1 since the order was given. Bytes are received
    ones. A power cut or a drop at an event happens before the event takes effect.
    """

    event: int | None = None
    match: str | None = None
    after_bytes: int | None = None
    back_after: float = 1.0

    def reached(self, events: int, name: str, received: int) -> bool:
        return (
            (self.event is not None and events >= self.event)
            or (self.match is not None and self.match in name)
            or (self.after_bytes is not None and received >= self.after_bytes)
        )


@dataclass
class Misbehaviour:
    """The keys of the control file, all optional; an empty object is a board that works."""

    no_sftp: bool = False
    no_python: bool = False
    no_library: bool = False
    wrong_answer: bool = False
    refuses_thresholds: bool = False
    camera: str = ""  # what is wrong with it: none, busy, black
    other_host_key: bool = False
    bytes_per_second: float | None = None
    disk_quota_bytes: int | None = None
    df_lies: bool = False  # df does not know of the quota, so the disk fills up during the upload
    files: dict[str, str] = field(default_factory=dict)  # what ``cat`` shows instead, by absolute path
    runtime: str = ""  # the version of its RKNN runtime
    clock_offset: int = 0  # seconds by which its clock is ahead
    drop: Moment | None = None
    power_cut: Moment | None = None

    @classmethod
    def parse(cls, text: str) -> Misbehaviour:
        """Parse the control file's JSON. Raises BadOrder."""
        try:
            values = json.loads(text or "{}")
            for name in ("drop", "power_cut"):
                if values.get(name) is not None:
                    values[name] = Moment(**values[name])
            return cls(**values)
        except (TypeError, ValueError, AttributeError) as error:
            known = ", ".join(field.name for field in dataclasses.fields(cls))
            raise BadOrder(f"This is no order for a virtual board ({error}). It knows: {known}.") from error

    @property
    def of_library(self) -> dict[str, bool]:
        """The misbehaviour of the stand-in for the vendor's library."""
        return {"wrong_answer": self.wrong_answer, "refuses_thresholds": self.refuses_thresholds}

    def to_dict(self) -> dict[str, Any]:
        """Only what differs from a board that works."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}
