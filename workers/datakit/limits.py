"""The limits of an upload. The portal passes its own numbers in ``spec.params.limits``."""

from __future__ import annotations

import dataclasses
from typing import Any

from workers.contract.messages import msg

from .errors import InputError

MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Limits:
    """Upper bounds of one upload.

    ``max_files`` leaves room for 200,000 images with an annotation file each. ``max_ratio`` compares unpacked
    with packed bytes of the whole archive and applies only above ``RATIO_FLOOR``: a few blank bitmaps shrink
    a thousandfold and are no bomb.
    """

    max_files: int = 500_000
    max_unpacked_bytes: int = 20 * 1024 * MIB
    max_ratio: float = 200.0
    max_image_pixels: int = 50_000_000
    max_file_bytes: int = 200 * MIB

    @classmethod
    def from_params(cls, values: dict[str, Any] | None) -> Limits:
        """Return the limits in ``values``, defaults where one is missing or null.

        Raises InputError for an unknown name or a value that is not a positive number.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        given = {name: value for name, value in (values or {}).items() if value is not None}
        for name, value in given.items():
            if name not in known:
                raise InputError(
                    msg(
                        "There is no upload limit called {name}: use {known}.",
                        name=repr(name),
                        known=", ".join(sorted(known)),
                    )
                )
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise InputError(
                    msg(
                        "The upload limit {name} must be a positive number, not {given}.",
                        name=name,
                        given=repr(value),
                    )
                )
        return cls(**given)


RATIO_FLOOR = 64 * MIB


def human_bytes(count: float) -> str:
    """Return ``count`` bytes in readable form: ``1.5 GB`` (powers of 1024)."""
    for unit in ("bytes", "KB", "MB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"
