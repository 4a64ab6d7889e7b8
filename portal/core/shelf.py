"""Read-only mappings of configs by name, with an error for names that rows hold but files no longer
define.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workers.contract import InputError
from workers.contract.messages import Message, msg


class Removed(InputError, KeyError):
    """A row names a recipe, preset, chip, board profile or augmentation that is no longer in ``configs/``.

    The message is a sentence: a job fails with it, the API returns it.
    """

    def __init__(self, kind: str, name: str):
        super().__init__(_sentence(kind, name))

    def __str__(self) -> str:
        return self.args[0]


def _sentence(kind: str, name: str) -> Message:
    """``kind`` is a key of ``Books``."""
    sentences = {
        "recipes": msg("This server no longer has the recipe {name}: choose another one.", name=name),
        "presets": msg("This server no longer has the preset {name}: choose another one.", name=name),
        "chips": msg("This server no longer has the chip {name}: choose another one.", name=name),
        "boards": msg(
            "This server no longer has the board profile {name}: register the board with another one.",
            name=name,
        ),
        "augmentations": msg(
            "This server no longer has the augmentation {name}: choose another one.", name=name
        ),
    }
    return sentences[kind]


class Shelf(Mapping[str, Any]):
    """Configs of one kind by name. A missing name raises Removed."""

    def __init__(self, kind: str, things: Mapping[str, Any]):
        self.kind, self._things = kind, dict(things)

    def __getitem__(self, name: str) -> Any:
        if name not in self._things:
            raise Removed(self.kind, name)
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def __or__(self, more: Mapping[str, Any]) -> Shelf:
        return Shelf(self.kind, {**self._things, **more})

    def removed(self, *names: str) -> list[Message]:
        """One sentence for each distinct name that is missing; empty names are ignored."""
        return [_sentence(self.kind, name) for name in dict.fromkeys(names) if name and name not in self]
