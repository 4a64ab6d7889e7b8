"""Quantization settings of a compiled model: validation, equality, description.

They are stored in ``CompiledModel.quantization``; missing settings have their defaults.
"""

from __future__ import annotations

from typing import Any

from portal.core import configs
from workers.contract.messages import Message, join, msg, msg_n
from workers.contract.quantization import ALGORITHMS, CHOICES, FLOAT_DTYPE, LAYERS_AT_MOST, METHODS

Settings = dict[str, Any]
DEFAULTS: Settings = {
    "dtype": None,  # the chip's int8
    "algorithm": "normal",
    "method": "channel",
    "calibration_images": 100,
    "choice": "balanced",
    "seed": 0,
    "int16_layers": [],  # names of layers' outputs; not verified on boards
}
FLOAT: Settings = DEFAULTS | {"dtype": FLOAT_DTYPE}
IMAGES_AT_MOST = 1000
FEW_CALIBRATED = 20  # images: fewer rarely cover what a layer can compute
LAYER_LENGTH = 200
ALGORITHM_WORDS = {
    "normal": msg("min/max"),
    "kl_divergence": msg("KL divergence"),
    "mmse": msg("MMSE"),
}
METHOD_WORDS = {"channel": msg("per channel"), "layer": msg("per layer")}
CHOICE_WORDS = {
    "balanced": msg("balanced by class"),
    "random": msg("random"),
    "farthest": msg("most diverse"),
}


class SettingsError(Exception):
    """A setting is invalid: ``fields`` maps field names to one sentence each."""

    def __init__(self, fields: dict[str, str]):
        super().__init__(join(fields.values()))
        self.fields = fields


def whole(settings: Settings) -> Settings:
    return DEFAULTS | settings


def check(settings: Settings, chip: str) -> Settings:
    """Return the complete settings; raise SettingsError with a sentence for each invalid one."""
    chosen, errors = whole(settings), {}
    for name, known in (("algorithm", ALGORITHMS), ("method", METHODS), ("choice", CHOICES)):
        if chosen[name] not in known:
            errors[name] = msg("Choose one of {known}.", known=", ".join(known))
    if not 1 <= chosen["calibration_images"] <= IMAGES_AT_MOST:
        errors["calibration_images"] = msg(
            "It must be between {least} and {most}.", least=1, most=IMAGES_AT_MOST
        )
    if chosen["dtype"] not in (None, FLOAT_DTYPE):
        errors["dtype"] = msg("Choose int8, or {float_dtype}.", float_dtype=FLOAT_DTYPE)
    elif chosen["dtype"] and configs.chips()[chip].int8_only:
        title = configs.chips()[chip].title
        errors["dtype"] = msg("{title} runs int8 models only: choose int8.", title=title)
    if chosen["int16_layers"] and (chosen["dtype"] or not configs.chips()[chip].int8_only):
        errors["int16_layers"] = msg("Layers in 16 bits are for int8 models of chips that have no float.")
    elif len(chosen["int16_layers"]) > LAYERS_AT_MOST:
        errors["int16_layers"] = msg("Name at most {most} layers.", most=LAYERS_AT_MOST)
    if errors:
        raise SettingsError(errors)
    return chosen


def key(settings: Settings, train_images: int) -> tuple:
    """Equal for settings that give the same model with this many training images."""
    chosen = whole(settings)
    if chosen["dtype"] == FLOAT_DTYPE:
        return (FLOAT_DTYPE,)
    # In a small dataset, all images calibrate, whatever the method.
    every = chosen["calibration_images"] >= train_images
    images = ("all",) if every else (chosen["calibration_images"], chosen["choice"], chosen["seed"])
    return (chosen["algorithm"], chosen["method"], *images, tuple(sorted(chosen["int16_layers"])))


def words(settings: Settings) -> Message:
    """The settings as one phrase."""
    chosen = whole(settings)
    if chosen["dtype"] == FLOAT_DTYPE:
        return msg("float 16")
    images = msg_n(
        "{count} calibration image: {choice}",
        "{count} calibration images: {choice}",
        chosen["calibration_images"],
        choice=CHOICE_WORDS[chosen["choice"]],
    )
    parts = [ALGORITHM_WORDS[chosen["algorithm"]], METHOD_WORDS[chosen["method"]], images]
    if count := len(chosen["int16_layers"]):
        parts.append(msg_n("{count} layer in 16 bits", "{count} layers in 16 bits", count))
    return join(parts, by=", ")
