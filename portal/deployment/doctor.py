"""Whether a board's runtime can load a model, from the model's own header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.devices import fitness, probe
from portal.devices.connection import BoardConnection
from portal.devices.fitness import Line, Verdict, version
from portal.devices.models import Device
from portal.devices.remote_runner import Profile
from portal.models.models import CompiledModel
from workers.contract.messages import msg

HEADER_BYTES = 16
FORMAT_6 = 6
# Runtimes 1.3.0, 1.4.0 and 1.5.0 print "Invalid RKNN model version 6" (airockchip/rknn-toolkit2, issues 254
# and 281; rockchip-linux/rknn-toolkit2, issue 316), and toolkit 1.5.2 is the first to write that version.
READS_FORMAT_6 = (1, 5, 2)
TOOLKIT = "rknn-toolkit2"


@dataclass(frozen=True)
class Header:
    """An RKNN file's format version (None if unknown) and its toolkit's version ("" if unknown)."""

    form: int | None = None
    toolkit: str = ""


def header_of(path: Path) -> Header:
    """Read the header and the JSON at the end of an RKNN file.

    Format as observed with rknn-toolkit2 2.3.2: magic "RKNN", four zero bytes, a 64-bit number, the format
    version; and ``"version":"2.3.2"`` in the JSON.
    """
    data = path.read_bytes()
    form = int.from_bytes(data[8:HEADER_BYTES], "little") if len(data) >= HEADER_BYTES else None
    found = re.search(rb'"version"\s{0,9}:\s{0,9}"(\d{1,4}\.\d{1,4}\.\d{1,4})', data[-65536:])
    return Header(form, found.group(1).decode() if found else "")


def of_model(facts: dict[str, Any], header: Header) -> Line:
    """Whether the board's runtime can read the model."""
    title, told = _("RKNN runtime for the model"), facts.get("runtime") or ""
    runtime, toolkit = version(told), version(header.toolkit)
    if not runtime:
        return Line("runtime-model", title, Verdict.UNKNOWN, header.toolkit)
    said = ".".join(map(str, runtime))
    found = msg("runtime {runtime}, model by {toolkit}", runtime=said, toolkit=header.toolkit or "?")
    if header.form == FORMAT_6 and runtime < READS_FORMAT_6:
        advice = msg(
            "The board's RKNN runtime {runtime} is too old to read this model (Invalid RKNN model version 6):"
            " update librknnrt.so on the board to version {toolkit} or newer.",
            runtime=said,
            toolkit=header.toolkit or "1.5.2",
        )
        return Line("runtime-model", title, Verdict.REFUSED, found, advice)
    if toolkit and runtime < toolkit:
        advice = msg(
            "The board's RKNN runtime {runtime} is older than the toolkit {toolkit} that made the model: if "
            "the golden images fail, update the runtime.",
            runtime=said,
            toolkit=header.toolkit,
        )
        return Line("runtime-model", title, Verdict.WARNING, found, advice)
    return Line("runtime-model", title, Verdict.FIT, found)


def examine(
    device: Device,
    header: Header,
    status: Callable[[], dict[str, Any]],
    connection: BoardConnection,
    profile: Profile,
) -> list[Line]:
    """Check a board before a model is deployed to it; ``status`` gives what its release manager reported.

    Raises Unfit, which says what to do.
    """
    facts = probe.probe(connection, profile, status())
    Device.objects.filter(pk=device.pk).update(probe=facts)
    device.probe = facts
    lines = [*fitness.of_probe(facts, profile), of_model(facts, header)]
    fitness.refuse_unless_fit(lines)
    return lines


def of_newest_model(device: Device) -> Iterable[Line]:
    """The check against the latest model that fits the device, for the device's page."""
    profile = device.board_profile
    rows = CompiledModel.objects.for_team(device.team_id).ready()
    newest = rows.filter(chip=profile.chip, channel_order=profile.channel_order).order_by("-pk").first()
    if newest is not None:
        made_by = newest.facts.get("versions", {}).get(TOOLKIT, "")
        yield of_model(device.probe, Header(toolkit=made_by))
