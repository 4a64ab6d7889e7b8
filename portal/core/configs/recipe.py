"""The schema of recipes, presets and augmentations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from portal.core.configs.schema import Amount, Count, Fraction, Limit, Positive, Text, Words, name_up_to

Size = tuple[Count, Count]  # width, height in pixels
Channels = tuple[float, float, float]
_sha256 = re.compile(r"[0-9a-f]{64}")
_file = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
Sha256 = Annotated[str, Limit("a SHA-256 of 64 hexadecimal digits", lambda v: bool(_sha256.fullmatch(v)))]
FileName = Annotated[str, Limit("a file's name without a folder", lambda v: bool(_file.fullmatch(v)))]
Address = Annotated[str, Limit("an address with https:// or http://", lambda v: bool(_is_address(v)))]
Deviations = Annotated[
    Channels, Limit("three numbers above 0", lambda channels: all(one > 0 for one in channels))
]


def _is_address(text: str) -> bool:
    return text.startswith(("https://", "http://")) and not re.search(r"\s", text)


@dataclass(frozen=True, slots=True)
class Defaults:
    """Default training parameters; ``learning_rate`` is for a batch size of 64, from scratch."""

    epochs: Count
    batch_size: Count
    learning_rate: Positive
    weight_decay: Fraction
    warmup_epochs: Amount
    label_smoothing: Fraction


@dataclass(frozen=True, slots=True)
class Pretrained:
    """Where pretrained weights are; ``sha256`` is None if the publisher gives none."""

    url: Address
    sha256: Sha256 | None
    file: FileName


@dataclass(frozen=True, slots=True)
class Measured:
    """The measured cost of a recipe's build for one chip; all fields absent: not measured."""

    build_seconds: Positive | None = None
    cycles: Count | None = None
    rknn_megabytes: Positive | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """The measured cost of the recipe at one input size on a chip; memory is that of weights and features.

    ``cpu_operators`` run on the chip's CPU, besides input and output.
    """

    chip: Text
    input_size: Size
    cycles: Count
    memory_megabytes: Positive
    rknn_megabytes: Positive
    build_seconds: Positive
    cpu_operators: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The compiler does not build the recipe at this input size for a chip; ``reason`` is what it says."""

    chip: Text
    input_size: Size
    reason: Text


@dataclass(frozen=True, slots=True)
class PruningLimit:
    """The smallest fraction of its cost that pruning can leave of the recipe, by what cost means."""

    input_size: Size
    cycles: Fraction
    macs: Fraction


@dataclass(frozen=True, slots=True)
class Recipe:
    """A trainable model. ``mean`` and ``std`` are RGB, for pixels from 0 to 1.

    ``ssld``: more accurate weights than ``pretrained``, which the publisher made by distillation.
    """

    name: name_up_to(60)
    title: Words
    summary: Words
    task: Text
    model: Text
    architecture: Text
    input_size: Size
    input_sizes: tuple[Size, ...]
    mean: Channels
    std: Deviations
    defaults: Defaults
    augmentation: Text
    presets: tuple[Text, ...]
    pretrained: Pretrained | None
    chips: Mapping[str, Measured]
    license: Text
    costs: tuple[Cost, ...] = ()
    refused: tuple[Refusal, ...] = ()
    pruning: tuple[PruningLimit, ...] = ()
    unprunable: bool = False  # its layers read channels in another order
    ssld: Pretrained | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A recipe with its training parameters; missing ones default to the recipe's."""

    title: Words
    summary: Words
    recipe: Text
    input_size: Size
    epochs: Count
    batch_size: Count | None = None
    learning_rate: Positive | None = None
    augmentation: Text
    pretrained: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Operators of a task's training suite, inserted between decoding and normalising; the suite checks
    them. ``tiny`` names the augmentation that a preset uses instead for images of a few pixels.
    """

    title: Words
    summary: Words
    task: Text
    tiny: Text | None = None
    label_smoothing: bool = False
    operators: tuple[Mapping[str, Any], ...]
