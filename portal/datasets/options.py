"""What the portal asks of one ingest."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from .errors import InputError
from .limits import Limits
from .split import check_fraction


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """The spec's inputs and params, checked. ``class_count`` and ``class_names`` are the person's word."""

    upload: Path
    filename: str
    val_fraction: float
    seed: int
    class_count: int | None
    class_names: list[str] | None
    limits: Limits

    @classmethod
    def from_spec(cls, spec: dict[str, Any]) -> Options:
        """Raises InputError for a value that cannot be meant."""
        params = {name: value for name, value in spec["params"].items() if value is not None}
        upload = Path(spec["inputs"]["archive"])
        class_names = params.get("class_names") or None
        if class_names and not all(isinstance(name, str) for name in class_names):
            raise InputError("The class names must be a list of texts, one for each class.")
        count = params.get("class_count")
        return cls(
            upload=upload,
            filename=params.get("filename") or upload.name,
            val_fraction=check_fraction(params.get("val_fraction", 0.2)),
            seed=_whole_number("seed", params.get("seed", 0)),
            class_count=None if count is None else _whole_number("number of classes", count),
            class_names=class_names,
            limits=Limits.from_params(params.get("limits")),
        )


def _whole_number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"The {name} must be a whole number, not {value!r}.")
    return value
