"""Validates the choices for a new run against recipes, chips and devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from portal import tasks
from portal.core import configs
from portal.core.echoes import shortened
from portal.datasets.models import DatasetVersion
from portal.devices.models import Device
from portal.models.model_files import ModelFile
from portal.runs import proof
from portal.runs.preset_fit import fitted
from workers.contract.messages import join, msg

PARAMS = {
    # name: (type, minimum, maximum)
    "epochs": (int, 1, 1000),
    "batch_size": (int, 1, 1024),
    "learning_rate": (float, 1e-6, 10.0),
    "seed": (int, 0, 2**31 - 1),
    "calibration_images": (int, 1, 1000),
    "board_images": (int, 0, 5000),
    # Quality limits, as fractions of the metric; the team's if a run has none of its own.
    "max_drop": (float, 0, 1),
    "fail_under": (float, 0, 1),
}
FLAGS = ("pretrained", "replace_better", "build_anyway")
INSIST = msg("If you know better, choose to build it anyway.")
CHOICES = ("input_size", "augmentation", *FLAGS)


class PlanError(Exception):
    """A choice is invalid: ``fields`` maps field names to one sentence each."""

    def __init__(self, fields: dict[str, str]):
        super().__init__(join(fields.values()))
        self.fields = fields


@dataclass
class Plan:
    """A valid plan: everything that ``runs.services.create_run`` needs."""

    version: DatasetVersion
    preset: str
    recipe: str
    params: dict[str, Any]
    chips: list[tuple[str, str]]  # (chip, channel order)
    devices: list[Device]
    name: str = ""
    # How it is made from existing models: {"name": "qat", "parent": 5}; empty for plain training.
    method: dict[str, Any] = field(default_factory=dict)
    # The model file that it compiles instead of training, and its labels; see ``importing.py``.
    file: ModelFile | None = None
    labels: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        return self.file.facts["task"] if self.file else configs.recipes()[self.recipe].task

    @property
    def title(self) -> str:
        """What the model is made of: a recipe, or a file."""
        return self.file.name if self.file else configs.recipes()[self.recipe].title


def deleted_sentence(version: DatasetVersion) -> str:
    return _("%(version)s was deleted: restore it, or choose another one.") % {"version": version}


def defaults(preset: str = "", recipe: str = "", version: DatasetVersion | None = None) -> dict[str, Any]:
    """The default parameters of a preset, or of a recipe alone.

    A preset is fitted to a ``version`` of small or few images.
    """
    book = configs.recipes()[recipe or configs.presets()[preset].recipe]
    params = {
        "input_size": list(book.input_size),
        "augmentation": book.augmentation,
        "seed": 0,
        "calibration_images": 100,
        "board_images": 400,
        "pretrained": True,
        "max_drop": None,
        "fail_under": None,
        "replace_better": False,  # replace the model of a device with a worse one
        "build_anyway": False,  # also for a chip on which the model is known not to run
        **configs.as_dict(book.defaults),
    }
    if preset:
        params |= configs.as_dict(configs.presets()[preset])
        if version is not None:
            params = fitted(params, version, book)
    return {key: params[key] for key in (*PARAMS, *CHOICES)}


def channel_order(chip: str, profile: str | None = None) -> str:
    """The channel order that a board of this profile, or this chip's usual board, feeds."""
    if profile:
        return configs.boards()[profile].channel_order
    return configs.chips()[chip].channel_order


def make_plan(version, preset="", recipe="", chips=(), devices=(), params=None, name="") -> Plan:
    """Validate the choices and return a Plan; raise PlanError with a sentence for each invalid field."""
    errors: dict[str, str] = {}
    devices = list(dict.fromkeys(devices))
    if version is not None and version.pk and version.is_deleted:
        errors["dataset_version"] = deleted_sentence(version)
    if preset and preset not in configs.presets():
        preset = shortened(preset)
        errors["preset"] = msg(
            "There is no preset {preset}; choose one of {presets}.",
            preset=repr(preset),
            presets=", ".join(configs.presets()),
        )
    if recipe and recipe not in configs.recipes():
        recipe = shortened(recipe)
        errors["recipe"] = msg(
            "There is no recipe {recipe}; choose one of {recipes}.",
            recipe=repr(recipe),
            recipes=", ".join(configs.recipes()),
        )
    for chip in chips:
        if chip not in configs.chips():
            chip = shortened(chip)
            errors["chips"] = msg(
                "There is no chip {chip}; choose from {chips}.",
                chip=repr(chip),
                chips=", ".join(configs.chips()),
            )
    if errors:
        raise PlanError(errors)
    if not preset and not recipe:
        preset = usual_preset(version)
    recipe = recipe or configs.presets()[preset].recipe
    _check_data(version, recipe, errors)
    fitting = preset if preset and configs.presets()[preset].recipe == recipe else ""
    chosen = defaults(fitting, recipe, version)
    chosen |= _checked(params or {}, configs.recipes()[recipe], errors)
    targets = targets_of(chips, devices, errors)
    check_sizes(targets, chosen["input_size"], errors)
    if not errors and not chosen["build_anyway"]:
        _refuse_obstacles(recipe, chosen["input_size"], targets, errors)
    if errors:
        raise PlanError(errors)
    return Plan(version, preset, recipe, chosen, targets, devices, name)


def _refuse_obstacles(recipe: str, input_size, targets, errors: dict[str, str]) -> None:
    if found := proof.against_targets(recipe, input_size, dict(targets)):
        errors["input_size"] = join([found, INSIST])


def usual_preset(version: DatasetVersion | None) -> str:
    """The first preset for the version's task, if that is known; otherwise the first of all."""
    recipes, presets = configs.recipes(), configs.presets()
    if version is not None and version.is_ready:
        for name, preset in presets.items():
            if recipes[preset.recipe].task == version.task:
                return name
    return next(iter(presets))


def _check_data(version: DatasetVersion | None, recipe: str, errors: dict[str, str]) -> None:
    """A version that is being checked, or waits for a person, is judged by the pipeline once it is ready."""
    if version is None or not version.is_ready:
        return
    task = configs.recipes()[recipe].task
    if found := tasks.get(task).refusals(version.facts):
        sentences = [msg("{version} cannot be trained on.", version=str(version)), found[0]]
        fitting = [name for name, book in configs.recipes().items() if book.task == version.task]
        if version.task != task and fitting:
            sentences.append(msg("Recipes for it: {recipes}.", recipes=", ".join(fitting)))
        errors["dataset_version"] = join(sentences)


def _checked(params: dict, recipe: configs.Recipe, errors: dict[str, str]) -> dict:
    checked: dict[str, Any] = {}
    for key, value in params.items():
        if value in (None, ""):
            continue
        if key in PARAMS:
            check_number(key, value, checked, errors)
        elif key == "input_size":
            _check_input_size(value, recipe, checked, errors)
        elif key == "augmentation":
            checked[key] = value
            fitting = [name for name, book in configs.augmentations().items() if book.task == recipe.task]
            if value not in fitting:  # it may be of any type
                errors[key] = msg("Choose one of {augmentations}.", augmentations=", ".join(fitting))
        elif key in FLAGS:
            checked[key] = value
            if not isinstance(value, bool):
                errors[key] = msg("Say true or false.")
        else:
            key = shortened(key)
            errors[key] = msg("There is no parameter {key}.", key=repr(key))
    return checked


def _plain(number: float) -> str:
    """``0.000001`` and ``10``, not ``1e-06`` and ``10.0``."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def check_number(key: str, value, checked: dict, errors: dict[str, str]) -> None:
    kind, least, most = PARAMS[key]
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
        checked[key] = kind(number)
    except (TypeError, ValueError, OverflowError):
        value = shortened(value)
        errors[key] = msg("{given} is not a number.", given=repr(value))
        return
    value = shortened(value)
    if kind is int and checked[key] != number:
        errors[key] = msg("{given} is not a whole number.", given=repr(value))
    elif not least <= number <= most:
        errors[key] = msg("It must be between {least} and {most}.", least=_plain(least), most=_plain(most))


def _check_input_size(value, recipe: configs.Recipe, checked: dict, errors: dict[str, str]) -> None:
    sizes = [list(size) for size in recipe.input_sizes]
    try:
        size = [float(part) for part in (value.split("x") if isinstance(value, str) else value)]
    except (TypeError, ValueError, OverflowError):
        size = []
    if size in sizes:
        checked["input_size"] = [int(side) for side in size]
    else:
        allowed = ", ".join(f"{width}x{height}" for width, height in sizes)
        errors["input_size"] = msg(
            "{title} can be trained at {allowed}.", title=recipe.title, allowed=allowed
        )


def targets_of(chips, devices, errors: dict[str, str]) -> list[tuple[str, str]]:
    """The requested chips, and those of the devices; a device's own channel order wins for its chip."""
    targets = []
    if gone := configs.boards().removed(*(device.profile for device in devices)):
        errors["devices"] = gone[0]
        return []
    for device in devices:
        target = (configs.boards()[device.profile].chip, channel_order("", device.profile))
        if target not in targets:
            targets.append(target)
    for chip in chips:
        if chip not in [known for known, _ in targets]:
            targets.append((chip, channel_order(chip)))
    if not targets:
        errors["chips"] = msg("Choose at least one chip or device.")
    return targets


def check_sizes(targets, input_size, errors: dict[str, str]) -> None:
    for chip, _order in targets:
        book = configs.chips()[chip]
        largest = book.max_input_side
        if max(input_size) > largest:
            errors["input_size"] = msg(
                "{title} takes images up to {largest}x{largest}; choose a smaller size than "
                "{width}x{height}.",
                title=book.title,
                largest=largest,
                width=input_size[0],
                height=input_size[1],
            )
