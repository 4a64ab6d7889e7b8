"""Which devices a rollout changes, and in which wave."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal.core import configs
from portal.deployment.running import current_deployments
from portal.devices.models import Device, DeviceTag
from portal.models.models import CompiledModel, Model
from portal.rollouts.models import Group, board_of
from workers.contract.messages import Message, msg

WAVES_AT_MOST = 20
BOARDS_AT_MOST = 1000


class RolloutError(Exception):
    """The rollout cannot be made as planned. ``fields`` maps its inputs to sentences."""

    def __init__(self, fields: dict[str, Message]):
        super().__init__(next(iter(fields.values())))
        self.fields = fields


@dataclass(frozen=True)
class Wave:
    """A number of boards, a share of all boards (reached with this wave), or the boards of a group."""

    boards: int = 0
    percent: float = 0.0
    group: int = 0


def parse_wave(text: str, groups: Iterable[Group]) -> Wave:
    """``3``, ``25%`` or a group's name. Raises RolloutError."""
    text = text.strip()
    for group in groups:
        if text.lower() == group.name.lower():
            return Wave(group=group.pk)
    number = text.removesuffix("%").strip()
    known = number.isascii() and number.isdigit() and 0 < int(number[:6]) <= BOARDS_AT_MOST
    if not known or (text.endswith("%") and int(number) > 100):
        sentence = msg(
            "A wave is a number of boards, a share such as 25%, or a group; not {text}.", text=text[:80]
        )
        raise RolloutError({"waves": sentence})
    return Wave(percent=float(number)) if text.endswith("%") else Wave(boards=int(number))


def groups_of(team) -> list[Group]:
    return list(Group.objects.for_team(team))


def tags_of(team, names: Iterable[str]) -> list[DeviceTag]:
    """The team's tags with these names, in any case. Raises RolloutError for an unknown one."""
    known = {tag.name.casefold(): tag for tag in DeviceTag.objects.for_team(team)}
    for name in names:
        if name.strip().casefold() not in known:
            raise RolloutError({"tags": msg("No device has the tag {name}.", name=name[:80])})
    return [known[name.strip().casefold()] for name in names]


def devices_of(
    devices: Iterable[Device], groups: Iterable[Group], tags: Iterable[DeviceTag] = ()
) -> list[Device]:
    """These devices, those of the groups and those with one of the tags, each once, by name."""
    found = {device.pk: device for device in devices}
    found |= {device.pk: device for device in Device.objects.filter(groups__in=list(groups)).distinct()}
    found |= {device.pk: device for device in Device.objects.filter(tags__in=list(tags)).distinct()}
    return sorted(found.values(), key=lambda device: device.name)


@dataclass(frozen=True)
class Planned:
    """A device with its compiled model and wave; ``why`` says why it is left alone."""

    device: Device
    compiled: CompiledModel | None
    wave: int
    why: Message | str = ""


def plan(
    model: Model, devices: Sequence[Device], waves: Sequence[Wave], *, replace_others: bool
) -> list[Planned]:
    """Assign each device to a wave; boards that are left alone are in the last one."""
    fitting = _fitting(model)
    now = current_deployments(devices)
    found, takers, boards = [], [], {}
    for device in devices:
        compiled = fitting.get(_target_of(device))
        why = _left_alone(device, compiled, model, now.get(device.pk), replace_others)
        if not why and (same := boards.setdefault(board_of(device), device)) is not device:
            why = msg("It has the same address as {name}, so it is the same board.", name=same.name)
        if why:
            found.append(Planned(device, compiled, 0, why))
        else:
            takers.append((device, compiled))
    numbers = _numbers([device for device, _ in takers], waves)
    planned = [Planned(device, compiled, numbers[device.pk]) for device, compiled in takers]
    last = max(numbers.values(), default=1)
    return planned + [Planned(one.device, one.compiled, last, one.why) for one in found]


def _fitting(model: Model) -> dict[tuple[str, str], CompiledModel]:
    rows = model.compiled_models.ready().filter(chosen=True).select_related("model__dataset_version")
    return {(row.chip, row.channel_order): row for row in rows}


def _target_of(device: Device) -> tuple[str, str] | None:
    profile = configs.boards().get(device.profile)
    return (profile.chip, profile.channel_order) if profile else None


def _left_alone(device, compiled, model: Model, current, replace_others: bool) -> Message | str:
    if compiled is None:
        return msg("The model is not compiled for this board.")
    if not model.runs_with(device.board_profile.driver):
        return msg("Its library decodes PicoDet only, and the model is a detector of another kind.")
    if current is None:
        if device.current_release and not replace_others:
            return msg("It runs a release that Slipway does not know.")
        return ""
    if current.compiled_model_id == compiled.pk:
        return msg("It runs this model already.")
    other = current.compiled_model.model.dataset_version.dataset_id != model.dataset_version.dataset_id
    if other and not replace_others:
        return msg("It runs a model of another dataset: {name}.", name=current.compiled_model.model.name)
    return ""


def _numbers(devices: Sequence[Device], waves: Sequence[Wave]) -> dict[int, int]:
    """The wave of each device, without gaps; what no wave names comes last."""
    rest, found, number = list(devices), {}, 0
    members = _members(waves)
    for wave in waves:
        taken = _take(wave, rest, len(devices), members)
        number += bool(taken)
        found |= {device.pk: number for device in taken}
        rest = [device for device in rest if device.pk not in found]
    return found | {device.pk: number + 1 for device in rest}


def _members(waves: Sequence[Wave]) -> dict[int, set[int]]:
    wanted = [wave.group for wave in waves if wave.group]
    found: dict[int, set[int]] = {}
    for group, device in Group.devices.through.objects.filter(group__in=wanted).values_list(
        "group", "device"
    ):
        found.setdefault(group, set()).add(device)
    return found


def _take(wave: Wave, rest: list[Device], total: int, members: dict[int, set[int]]) -> list[Device]:
    if wave.group:
        return [device for device in rest if device.pk in members.get(wave.group, ())]
    if wave.percent:
        reached = total - len(rest)
        return rest[: max(0, math.ceil(total * wave.percent / 100) - reached)]
    return rest[: wave.boards]
