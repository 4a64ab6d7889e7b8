"""Resolves what people type: names of datasets and devices, numbers of runs and jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from slipway.calls import Calls
from slipway.errors import NotFound, Usage

_VERSION = re.compile(r"v(\d{1,9})$")
_HASH = re.compile(r"[0-9a-f]{6,64}$")


def dataset(client: Calls, name: str, **wanted: Any) -> Any:
    """The dataset with this name. Raises NotFound."""
    for row in client.rows("datasets/", name=name, **wanted):
        if row["name"] == name:
            return row
    raise NotFound(f"There is no dataset {name!r} in this team: see  slipway dataset list")


def names_a_version(text: str) -> bool:
    """Whether it is ``NAME@`` and a version, rather than a dataset's name."""
    _, at, wanted = text.rpartition("@")
    return bool(at and (_VERSION.match(wanted) or _HASH.match(wanted)))


def version(client: Calls, text: str, in_review: bool = False, **more: Any) -> Any:
    """A version by ``NAME``, ``NAME@v3`` or ``NAME@`` and a hash prefix.

    ``NAME`` is the newest that is ready or being checked; with ``in_review``, the newest that needs a review.
    Raises NotFound.
    """
    name, _, wanted = text.rpartition("@") if names_a_version(text) else (text, "", "")
    found = dataset(client, name)
    rows = client.rows("dataset-versions/", dataset=found["id"], **more)
    for row in (row for row in rows if row["dataset"] == found["id"]):
        if _is_wanted(row, wanted, in_review):
            return row
    kind = "version that needs review" if in_review else "version that can be used"
    which = f"version {wanted}" if wanted else kind
    raise NotFound(f"The dataset {name!r} has no {which}: see  slipway dataset show {name!r}")


def _is_wanted(row: Mapping[str, Any], wanted: str, in_review: bool) -> bool:
    if not wanted:
        return row["state"] == "review" if in_review else row["state"] not in ("refused", "review")
    if number := _VERSION.match(wanted):
        return row["number"] == int(number[1])
    return row["content_hash"].startswith(wanted)


def device(client: Calls, name: str) -> Any:
    """The device with this name or number. Raises NotFound."""
    return named(client, "devices/", "device", name)


def named(client: Calls, path: str, kind: str, name: str, key: str = "name") -> Any:
    """The row of a list with this name or number. Raises NotFound."""
    rows = list(client.rows(path))
    for row in [row for row in rows if row[key] == name] + [row for row in rows if str(row["id"]) == name]:
        return row
    raise NotFound(f"There is no {kind} {name!r} in this team: see  slipway {kind} list")


def number(text: str, kind: str) -> int:
    """``12``, or ``run/12`` if a run is wanted. Raises Usage."""
    word, _, digits = text.rpartition("/")
    if word not in ("", kind) or not digits.isdecimal() or len(digits) > 18:
        raise Usage(f"{text!r} is not a {kind}: give its number, as in 12 or {kind}/12.")
    return int(digits)


def run_or_job(text: str) -> tuple[str, int]:
    """``("run", 12)`` for ``run/12`` or ``12``, ``("job", 34)`` for ``job/34``. Raises Usage."""
    kind = "job" if text.startswith("job/") else "run"
    return kind, number(text, kind)
