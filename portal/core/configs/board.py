"""The schema of chips and board profiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Literal

from portal.core.configs.schema import (
    Amount,
    ChannelOrder,
    Count,
    Limit,
    Positive,
    Text,
    Words,
    name_up_to,
    whole_number,
)
from workers.contract.messages import Message


def _is_folder(text: str) -> bool:
    path = PurePosixPath(text)
    return bool(path.name) and ".." not in path.parts and text == str(path) and not text.startswith("~")


Folder = Annotated[str, Limit("a folder such as slipway or /root/slipway", _is_folder)]


@dataclass(frozen=True, slots=True)
class Chip:
    """An NPU target. ``None`` means not measured, or not published by the vendor."""

    name: name_up_to(20)
    title: Words
    target_platform: Text
    int8_only: bool
    npu_tops: Positive | None
    npu_clock_mhz: Positive | None
    ram_mb: Count | None
    model_memory_mb: Count | None
    max_input_side: Count
    cpu_operators: tuple[Text, ...] | None
    channel_order: ChannelOrder


@dataclass(frozen=True, slots=True)
class BoardProfile:
    """A kind of device: how to reach it and what it supports."""

    name: name_up_to(60)
    title: Words
    virtual: bool
    chip: Text
    driver: Literal["lockzhiner", "rknnlite"]  # a class in ``workers/board/drivers.py``
    python: Text  # the command that starts Python on the board
    channel_order: ChannelOrder
    root: Folder  # holds all that Slipway puts on the board
    address: str
    port: whole_number(1, 65535)
    user: Text
    default_password: Text | None = field(repr=False)
    free_space_bytes: Amount
    free_memory_bytes: Amount  # with less left, a release fails its trial
    most_celsius: whole_number(1, 150)  # hotter, too
    keep_releases: Count
    needs_simulator: bool
    notes: Message


# Fields for the portal only; the API does not return them.
INTERNAL = ("python", "default_password", "needs_simulator")
