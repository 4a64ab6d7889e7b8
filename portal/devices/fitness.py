"""Whether a board is fit for deployments: checks of its last probe, each with a verdict and advice.

A deployment to a board with a ``REFUSED`` check is refused before anything is sent. Unknown facts are no
reason to refuse: then the golden images decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.devices.errors import BoardError
from portal.devices.models import Device
from portal.devices.remote_runner import Profile
from workers.contract.messages import Message, msg

OLDEST_PYTHON = (3, 8)
CLOCK_SECONDS = 24 * 3600
MEGABYTE = 1048576


class Verdict(TextChoices):
    """From best to worst."""

    FIT = "fit", _("Fit")
    UNKNOWN = "unknown", _("Unknown")
    WARNING = "warning", _("Warning")
    REFUSED = "refused", _("Not fit")


ORDER = list(Verdict)


@dataclass(frozen=True)
class Line:
    """One check: ``found`` is what the board has, ``advice`` what to do if that is not fit."""

    name: str
    title: str | Promise
    verdict: Verdict
    found: str = ""
    advice: str | Message = ""


class Unfit(BoardError):
    """The board is not fit; the message is the sentence of the failed check."""

    code = "board-unfit"


Check = Callable[[dict[str, Any], Profile], Line]
# Further checks of a device, registered by the app above that knows the deployed models.
_further: list[Callable[[Device], Iterable[Line]]] = []


def add_check(check: Callable[[Device], Iterable[Line]]) -> None:
    _further.append(check)


def of_device(device: Device) -> list[Line]:
    """Every check of the device as of its last probe; empty without one. Raises Removed."""
    if not device.probe:
        return []
    found = of_probe(device.probe, device.board_profile)
    found += _password(device)
    return [*found, *(line for check in _further for line in check(device))]


def of_probe(facts: dict[str, Any], profile: Profile) -> list[Line]:
    return [check(facts, profile) for check in CHECKS]


def worst(lines: Iterable[Line]) -> Verdict:
    return max((line.verdict for line in lines), key=ORDER.index, default=Verdict.UNKNOWN)


def refuse_unless_fit(lines: Iterable[Line]) -> None:
    """Raise Unfit with the sentence of the first check that refuses the board."""
    for line in lines:
        if line.verdict == Verdict.REFUSED:
            raise Unfit(line.advice)


def _python(facts: dict[str, Any], profile: Profile) -> Line:
    found, title = facts.get("python"), _("Python")
    if not found:
        problem = next(iter(facts.get("problems", [])), "") or msg(
            "Install Python 3.8 or newer on the board."
        )
        return Line("python", title, Verdict.REFUSED, advice=problem)
    if version(found) < OLDEST_PYTHON:
        old = msg("The board's Python {found} is too old: install Python 3.8 or newer on it.", found=found)
        return Line("python", title, Verdict.REFUSED, found, old)
    return Line("python", title, Verdict.FIT, found)


def _library(facts: dict[str, Any], profile: Profile) -> Line:
    title, problem = _("Vendor library"), facts.get("library_problem", "")
    if facts.get("library"):
        return Line(
            "library", title, Verdict.FIT, f"{facts['library']} {facts.get('library_version') or ''}".strip()
        )
    return Line("library", title, Verdict.REFUSED if problem else Verdict.UNKNOWN, advice=problem)


def _writable(facts: dict[str, Any], profile: Profile) -> Line:
    title, writable = _("Storage can be written"), facts.get("writable")
    if writable is None:
        return Line("writable", title, Verdict.UNKNOWN)
    if writable:
        return Line("writable", title, Verdict.FIT, profile.root)
    advice = msg(
        "The board's storage is read-only at {root}: mount it for writing, check the SD card, and that the "
        "user may write there.",
        root=profile.root,
    )
    return Line("writable", title, Verdict.REFUSED, profile.root, advice)


def _space(facts: dict[str, Any], profile: Profile) -> Line:
    advice = msg(
        "Only {free} MB are free on the board, and {wanted} MB are kept free: delete files or old releases "
        "on it.",
        free=(facts.get("disk_free") or 0) // MEGABYTE,
        wanted=profile.free_space_bytes // MEGABYTE,
    )
    return _amount("space", _("Free space"), facts.get("disk_free"), profile.free_space_bytes, advice)


def _memory(facts: dict[str, Any], profile: Profile) -> Line:
    advice = msg(
        "Only {free} MB of memory are free on the board, and a model needs {wanted} MB at least: stop other "
        "programs on the board, or restart it.",
        free=(facts.get("memory_free") or 0) // MEGABYTE,
        wanted=profile.free_memory_bytes // MEGABYTE,
    )
    return _amount("memory", _("Free memory"), facts.get("memory_free"), profile.free_memory_bytes, advice)


def _amount(name: str, title, free: int | None, wanted: int, advice: Message) -> Line:
    if free is None:
        return Line(name, title, Verdict.UNKNOWN)
    found = msg("{free} MB", free=free // MEGABYTE)
    return (
        Line(name, title, Verdict.FIT, found)
        if free >= wanted
        else Line(name, title, Verdict.REFUSED, found, advice)
    )


def _chip(facts: dict[str, Any], profile: Profile) -> Line:
    title, said = _("Chip"), facts.get("compatible") or []
    known = [name for name in configs.chips() if f"rockchip,{name}" in said]
    if not known:
        return Line("chip", title, Verdict.UNKNOWN, ", ".join(said[:3]))
    if profile.chip in known:
        return Line("chip", title, Verdict.FIT, profile.chip)
    advice = msg(
        "The board has the chip {found} and its profile names {chip}: remove the device, and register it "
        "with the profile of its chip.",
        found=known[0],
        chip=profile.chip,
    )
    return Line("chip", title, Verdict.REFUSED, known[0], advice)


def _runtime(facts: dict[str, Any], profile: Profile) -> Line:
    return _fact_line("runtime", _("RKNN runtime"), facts.get("runtime"))


def _driver(facts: dict[str, Any], profile: Profile) -> Line:
    return _fact_line("npu-driver", _("NPU driver"), facts.get("npu_driver"))


def _fact_line(name: str, title, found: str | None) -> Line:
    return Line(name, title, Verdict.FIT if found else Verdict.UNKNOWN, found or "")


def _clock(facts: dict[str, Any], profile: Profile) -> Line:
    title, offset = _("Clock"), facts.get("clock_offset")
    if offset is None:
        return Line("clock", title, Verdict.UNKNOWN)
    if abs(offset) < CLOCK_SECONDS:
        return Line("clock", title, Verdict.FIT, msg("{seconds} s off", seconds=offset))
    days = round(offset / 86400)
    advice = msg(
        "The board's clock is off by {offset} d, and the times of its files and logs with it: set the clock, "
        "or let the board ask a time server.",
        offset=abs(days),
    )
    return Line("clock", title, Verdict.WARNING, msg("{offset} d off", offset=days), advice)


def _heat(facts: dict[str, Any], profile: Profile) -> Line:
    title, celsius = _("Temperature"), facts.get("celsius")
    if celsius is None:
        return Line("temperature", title, Verdict.UNKNOWN)
    found = f"{celsius:g} °C"
    if celsius <= profile.most_celsius:
        return Line("temperature", title, Verdict.FIT, found)
    advice = msg("The board is hotter than {most} °C: cool it before you deploy.", most=profile.most_celsius)
    return Line("temperature", title, Verdict.WARNING, found, advice)


def _password(device: Device) -> list[Line]:
    """For kinds of boards that leave the factory with a password that anyone can look up."""
    title = _("Password")
    if not device.board_profile.default_password:
        return []
    if device.factory_password is None:
        return [Line("password", title, Verdict.UNKNOWN)]
    if not device.factory_password:
        return [Line("password", title, Verdict.FIT, msg("not the factory's"))]
    advice = msg("Anyone can look up this board's password: change it on the device's page, under Access.")
    return [Line("password", title, Verdict.WARNING, msg("the factory's"), advice)]


CHECKS: tuple[Check, ...] = (
    _writable, _space, _memory, _python, _library, _chip, _runtime, _driver, _clock, _heat,
)  # fmt: skip


def version(text: str) -> tuple[int, ...]:
    """The first version in a text, as numbers: (2, 3, 2) for "librknnrt version: 2.3.2 (429f97ae6b)"."""
    found = re.search(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", text[:200])
    return tuple(int(number) for number in found.groups() if number) if found else ()
