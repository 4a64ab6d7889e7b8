"""The options of one ingest."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from workers.contract.messages import msg

from . import sources
from .cutting import Cut
from .errors import InputError
from .grouping import pattern_of
from .limits import Limits
from .readers import LAYOUTS, ReadingOptions
from .remembered import Remembered
from .split import Shares

GIVEN, STRATIFIED, GROUP = SPLIT_METHODS = ("given", "stratified", "group")
REPLACE, ADD = "replace", "add"
REFUSE, WAIT = "refuse", "wait"


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """The spec's inputs and params, validated.

    ``class_count``, ``class_names`` and ``reading`` (parsed from ``said``) are the person's options;
    ``remembered`` is how the dataset's earlier versions were read. If the reading is in doubt, the job ends
    with a question or, with ``waits``, continues and marks the reading as uncertain. ``known`` are the
    indexes of the dataset's earlier versions, whose images are already stored; ``base`` is the index of the
    previous version: with ``adds``, its images come first, unchanged. ``cut`` says which version's boxes
    become the images; there is no upload then. ``pack_key`` is the prefix of the names of new packs.
    ``split`` is one of SPLIT_METHODS, or None: the upload's own split, else by groups if there is a pattern,
    else drawn. ``sources`` tells which images came from a device, by path (see ``sources.py``).
    """

    upload: Path
    filename: str
    shares: Shares
    seed: int
    class_count: int | None
    class_names: list[str] | None
    limits: Limits
    pack_key: str
    reading: ReadingOptions = ReadingOptions()
    said: dict[str, Any] = dataclasses.field(default_factory=dict)
    remembered: Remembered | None = None
    waits: bool = False
    cut: Cut | None = None
    known: tuple[Path, ...] = ()
    base: Path | None = None
    adds: bool = False
    split: str | None = None
    split_group: str | None = None
    sources: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_spec(cls, spec: dict[str, Any]) -> Options:
        """Raises InputError for an invalid value."""
        params = {name: value for name, value in spec["params"].items() if value is not None}
        upload = Path(spec["inputs"]["archive"] or "")
        class_names = params.get("class_names") or None
        if class_names and not all(isinstance(name, str) for name in class_names):
            raise InputError(msg("The class names must be a list of texts, one for each class."))
        count = params.get("class_count")
        split, split_group = check_split(params.get("split"), params.get("split_group"))
        base = spec["inputs"].get("base")
        return cls(
            upload=upload,
            filename=params.get("filename") or upload.name,
            shares=Shares.checked(params.get("val_fraction", 0.2), params.get("test_fraction")),
            seed=_whole_number(msg("seed"), params.get("seed", 0)),
            class_count=None if count is None else _whole_number(msg("number of classes"), count),
            class_names=class_names,
            limits=Limits.from_params(params.get("limits")),
            pack_key=params.get("pack_key") or "upload",
            reading=_reading(params.get("reading"), params.get("layout")),
            said=params.get("reading") or {},
            remembered=Remembered.from_params(params.get("remembered")),
            waits=_waits(params.get("doubt")),
            cut=Cut.from_spec(spec["inputs"].get("boxes"), params.get("cut")),
            known=tuple(map(Path, spec["inputs"].get("known") or ())),
            base=Path(base) if base else None,
            adds=_adds(params.get("mode"), base),
            split=split,
            split_group=split_group,
            sources=sources.checked(params.get("sources")),
        )


def check_split(split: Any, pattern: Any) -> tuple[str | None, str | None]:
    """Return the split method and the pattern of groups, each None if not given.

    Raises InputError for invalid values.
    """
    split, pattern = split or None, pattern or None
    if split not in (None, *SPLIT_METHODS):
        raise InputError(
            msg(
                "There is no split called {split}: use {known}, or leave it empty.",
                split=repr(split),
                known=", ".join(SPLIT_METHODS),
            )
        )
    if pattern is not None and (not isinstance(pattern, str) or split not in (None, GROUP)):
        raise InputError(msg("A pattern of groups goes with the split called group: choose that one."))
    if pattern is None and split == GROUP:
        raise InputError(
            msg("To split by groups, write the pattern that finds an image's group in its path.")
        )
    if pattern is not None:
        pattern_of(pattern)
        split = GROUP
    return split, pattern


def _adds(mode: Any, base: str | None) -> bool:
    if mode not in (None, REPLACE, ADD):
        raise InputError(
            msg(
                "There is no mode called {mode}: use {replace} or {add}.",
                mode=repr(mode),
                replace=REPLACE,
                add=ADD,
            )
        )
    if mode == ADD and base is None:
        raise InputError(
            msg("There is no version yet that the images could be added to: upload them as a set.")
        )
    return mode == ADD


def _reading(given: Any, layout: Any) -> ReadingOptions:
    options = ReadingOptions.from_params(given, layout)
    if options.format is not None and options.format not in LAYOUTS:
        raise InputError(
            msg(
                "There is no format called {name}: use {layouts}, or leave it empty.",
                name=repr(options.format),
                layouts=", ".join(LAYOUTS),
            )
        )
    return options


def _waits(doubt: Any) -> bool:
    if doubt not in (None, REFUSE, WAIT):
        raise InputError(
            msg(
                "There is no way to treat a doubt called {name}: use {first} or {second}.",
                name=repr(doubt),
                first=REFUSE,
                second=WAIT,
            )
        )
    return doubt == WAIT


def _whole_number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(msg("The {name} must be a whole number, not {given}.", name=name, given=repr(value)))
    return value
