"""Reads the whole folder ``configs/``, and reports all errors at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from portal.core.configs.board import BoardProfile, Chip
from portal.core.configs.links import broken_links
from portal.core.configs.recipe import Augmentation, Preset, Recipe
from portal.core.configs.schema import Reader, name_up_to
from portal.core.echoes import shortened
from portal.core.shelf import Shelf

# One file per training suite.
AUGMENTATIONS = ("paddleclas/augmentations.yaml", "paddledet/augmentations.yaml")


class ConfigError(Exception):
    """Files in ``configs/`` are invalid; ``sentences`` name the file and key of each error."""

    def __init__(self, sentences: list[str]):
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class Books:
    """The contents of ``configs/``, by name."""

    recipes: Shelf
    presets: Shelf
    chips: Shelf
    boards: Shelf
    augmentations: Shelf


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader silently takes the last of two equal keys; this loader rejects them."""

    def construct_mapping(self, node, deep=False):
        seen: set[Any] = set()
        for key_node, _value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key in seen:
                problem = f"the key {shortened(key)} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_folder(folder: Path) -> Books:
    """Everything in ``folder``. Raises ConfigError."""
    reading = _Reading(folder)
    found = {
        "recipes": reading.of_folder("models", Recipe),
        "presets": reading.of_file("presets.yaml", Preset, 30),
        "chips": reading.of_folder("chips", Chip),
        "boards": reading.of_folder("boards", BoardProfile),
        "augmentations": reading.of_files(AUGMENTATIONS, Augmentation, 60),
    }
    books = Books(**{kind: Shelf(kind, things) for kind, things in found.items()})
    problems = [*reading.problems, *broken_links(books, folder.name)]
    if problems:
        raise ConfigError(problems)
    return books


class _Reading:
    """Reads all files, also after an invalid one, so that all errors are reported at once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.problems: list[str] = []

    def of_folder(self, name: str, kind: type) -> dict[str, Any]:
        """One entry per file, by file name; None stands for an invalid one."""
        found = {}
        for path in sorted((self.folder / name).glob("*.y*ml"), key=lambda path: path.stem):
            place = self._place(path)
            if path.suffix != ".yaml":
                self.problems.append(f"{place}: the file's name must end in .yaml: rename it.")
                continue
            one = found[path.stem] = self._read(path, kind)
            if one is not None and one.name != path.stem:
                said = f"{place}: name must be {path.stem!r}, as the file is called, not {one.name!r}."
                self.problems.append(said)
        if not found:
            self.problems.append(f"{self._place(self.folder / name)}: there is no .yaml file in this folder.")
        return found

    def of_file(self, name: str, kind: type, longest: int) -> dict[str, Any]:
        """Several entries in one file, by key; None stands for each entry of an invalid file."""
        data = self._plain(self.folder / name)
        if data is None:
            return {}
        reader = Reader(self._place(self.folder / name))
        found = reader.read(Mapping[name_up_to(longest), kind], data)
        self.problems += reader.problems
        if found is None:
            found = dict.fromkeys(data) if isinstance(data, dict) else {}
        return found

    def of_files(self, names: tuple[str, ...], kind: type, longest: int) -> dict[str, Any]:
        """As ``of_file``, for several files together. A name in two files is an error."""
        found: dict[str, Any] = {}
        for name in names:
            own = self.of_file(name, kind, longest)
            for twice in found.keys() & own.keys():
                self.problems.append(
                    f"{self._place(self.folder / name)}: {twice} is in another file: rename it."
                )
            found |= own
        return found

    def _read(self, path: Path, kind: type) -> Any:
        data = self._plain(path)
        if data is None:
            return None
        reader = Reader(self._place(path))
        found = reader.read(kind, data)
        self.problems += reader.problems
        return found

    def _plain(self, path: Path) -> Any:
        """The parsed content of a file; None if it cannot be read or is empty."""
        place = self._place(path)
        try:
            data = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 (a SafeLoader)
        except OSError as error:
            self.problems.append(f"{place}: the file cannot be read: {error.strerror}.")
        except UnicodeDecodeError:
            self.problems.append(f"{place}: the file is not UTF-8 text: save it as UTF-8.")
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            self.problems.append(f"{place}: {_describe(error)}.")
        else:
            if data is not None:
                return data
            self.problems.append(f"{place}: the file is empty.")
        return None

    def _place(self, path: Path) -> str:
        return path.relative_to(self.folder.parent).as_posix()


def _describe(error: Exception) -> str:
    """The YAML error, with its line if known."""
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1} is not valid YAML" if mark else "the file is not valid YAML"
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return f"{where}: {shortened(problem)}"
