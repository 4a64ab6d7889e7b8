"""The plan of a run that compiles an uploaded model instead of training one."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from portal import tasks
from portal.core import configs
from portal.core.echoes import shortened
from portal.core.names import one_line
from portal.datasets.models import DatasetVersion
from portal.devices.models import Device
from portal.models.model_files import ModelFile
from portal.runs.plan import Plan, PlanError, check_number, check_sizes, deleted_sentence, targets_of
from workers.contract.messages import Message, join, msg, msg_n
from workers.datakit.names import class_key

ORDERS = ("rgb", "bgr")
DEFAULTS = {"calibration_images": 100, "board_images": 400, "seed": 0, "max_drop": None, "fail_under": None}
NUMBERS = (*DEFAULTS,)
# Mean and standard deviation for pixels from 0 to 1, as training frameworks write them.
SCALES = {
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "unit": ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]),
    "symmetric": ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    "bytes": ([0.0, 0.0, 0.0], [1 / 255, 1 / 255, 1 / 255]),
}
USUAL_SCALE = "imagenet"
LABEL_LENGTH, MOST_LABELS = 120, 5000
LARGEST = 1000.0  # of a mean or deviation


def make_plan(
    file: ModelFile,
    version: DatasetVersion,
    *,
    labels: list[str] | None = None,
    input_size: list[int] | None = None,
    mean: list[float] | None = None,
    std: list[float] | None = None,
    model_order: str = "rgb",
    output: str = "",
    chips: list[str] = (),
    devices: list[Device] = (),
    params: dict[str, Any] | None = None,
    name: str = "",
) -> Plan:
    """The plan that calibrates and measures the file's network with the version. Raises PlanError.

    ``labels`` name the outputs in order; None means the version's classes. ``mean`` and ``std`` are for
    pixels from 0 to 1, in the network's own channel order. ``output`` is one of the file's ``choices``.
    """
    errors: dict[str, Message] = {}
    if not file.is_usable:
        raise PlanError({"model_file": _unusable(file)})
    if why := _refused_version(file, version):
        raise PlanError({"dataset_version": why})
    names = _labels(_classes(file, output), version, labels, errors)
    usual = SCALES[USUAL_SCALE]
    chosen = DEFAULTS | {
        "input_size": _size(file, input_size, errors),
        "mean": _three("mean", usual[0] if mean is None else mean, errors),
        "std": _three("std", usual[1] if std is None else std, errors),
        "model_order": model_order,
        "replace_better": True,
    }
    if file.choices:
        chosen["output"] = output or next(iter(file.choices))
    if model_order not in ORDERS:
        errors["model_order"] = msg("Say rgb or bgr.")
    for key, value in (params or {}).items():
        if key not in NUMBERS:
            errors[key] = msg("There is no parameter {key}.", key=repr(shortened(key)))
        elif value is not None:
            check_number(key, value, chosen, errors)
    _refuse_unknown_chips(chips, errors)
    devices = list(dict.fromkeys(devices))
    targets = targets_of(chips, devices, errors)
    if "devices" not in errors:
        _check_decoding(file, devices, errors)
    check_sizes(targets, chosen["input_size"], errors)
    if errors:
        raise PlanError(errors)
    return Plan(version, "", "", chosen, targets, devices, name, file=file, labels=names)


def _refuse_unknown_chips(chips: list[str], errors: dict) -> None:
    unknown = [chip for chip in chips if chip not in configs.chips()]
    if unknown:
        errors["chips"] = msg(
            "There is no chip {chip}; choose from {chips}.",
            chip=repr(shortened(unknown[0])),
            chips=", ".join(configs.chips()),
        )
        raise PlanError(errors)


def _check_decoding(file: ModelFile, devices: list[Device], errors: dict) -> None:
    closed = [device for device in devices if device.profile in file.closed_boards]
    if closed:
        errors["devices"] = closed_sentence(closed[0], file.detector)


def closed_sentence(device: Device, family: str) -> Message:
    return msg(
        "The library of {device} decodes PicoDet only, and this is a {family}: compile it for a chip without "
        "deploying it, or choose a board with rknn-toolkit-lite2.",
        device=str(device),
        family=family,
    )


def _classes(file: ModelFile, output: str) -> int:
    """How many the output has; an empty one is the first. Raises PlanError for one that is not offered."""
    if output in file.choices or not output:
        return file.choices.get(output, file.facts["classes"])
    if not file.choices:
        raise PlanError({"output": msg("The network has one output with scores: leave the output out.")})
    sentence = msg(
        "The network has no output {output} with the scores of classes; choose from {outputs}.",
        output=repr(shortened(output)),
        outputs=", ".join(file.choices),
    )
    raise PlanError({"output": sentence})


def _unusable(file: ModelFile) -> Message | str:
    if file.refusal:
        return file.refusal
    return msg("{name} is not inspected yet, or its inspection failed: see its page.", name=file.name)


def _refused_version(file: ModelFile, version: DatasetVersion) -> Message | str | None:
    if version.is_deleted:
        return deleted_sentence(version)
    if not version.is_ready:
        return msg("{version} is still being checked: wait for its end.", version=str(version))
    task = tasks.get(file.facts["task"])
    if version.task != task.name:
        return msg(
            "This is a dataset for {other} and the network is for {task}: choose a dataset for {task}.",
            other=version.labels.title,
            task=task.title,
        )
    found = task.refusals(version.facts)
    return join([msg("{version} cannot be used.", version=str(version)), found[0]]) if found else None


def _labels(classes: int, version: DatasetVersion, labels: list[str] | None, errors: dict) -> list[str]:
    if labels is None:
        labels = version.class_names
    if len(labels) > MOST_LABELS:
        errors["labels"] = msg("At most {most} labels are accepted.", most=MOST_LABELS)
        return []
    counts = Counter(class_key(label) for label in labels)
    if len(labels) != classes:
        errors["labels"] = msg_n(
            "The network has {classes} classes and {count} label was given: give one label for each "
            "class, in the order of its outputs.",
            "The network has {classes} classes and {count} labels were given: give one label for "
            "each class, in the order of its outputs.",
            len(labels),
            classes=classes,
        )
    elif twice := next((label for label in labels if counts[class_key(label)] > 1), None):
        errors["labels"] = msg("The label {name} is there twice.", name=shortened(twice))
    else:
        _check_words(labels, errors)
    return list(labels)


def _check_words(labels: list[str], errors: dict) -> None:
    for label in labels:
        try:
            one_line(label)
        except Exception as error:
            errors["labels"] = error.messages[0] if hasattr(error, "messages") else str(error)
            return
        if not label.strip() or len(label) > LABEL_LENGTH:
            errors["labels"] = msg("A label has 1 to {most} characters.", most=LABEL_LENGTH)
            return


def _size(file: ModelFile, size: list[int] | None, errors: dict) -> list[int]:
    own = file.facts["input_size"]
    if size is None or list(size) == own:
        return own
    if not file.facts["is_free"]:
        errors["input_size"] = msg(
            "The network takes images of {width}×{height} pixels only.", width=own[0], height=own[1]
        )
        return own
    whole = len(size) == 2 and all(isinstance(side, int) and 8 <= side <= 2048 for side in size)
    if not whole:
        errors["input_size"] = msg("Give a width and a height from 8 to 2048 pixels.")
        return own
    return list(size)


def _three(name: str, values: list[float], errors: dict) -> list[float]:
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        found = []
    good = len(found) == 3 and all(math.isfinite(value) and abs(value) <= LARGEST for value in found)
    if not good or (name == "std" and min(found) <= 0):
        errors[name] = (
            msg("Give three numbers above 0, one for each channel, for pixels from 0 to 1.")
            if name == "std"
            else msg("Give three numbers, one for each channel, for pixels from 0 to 1.")
        )
        return [1.0, 1.0, 1.0]
    return found
