"""JSON objects from the portal, which may be of another release and lack a field that this client knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from slipway.errors import MissingField

SENTENCE = (
    "The portal's response has no field {name!r}: slipway and the portal are of different releases. "
    "Update the older one."
)


class Document(dict[str, Any]):
    """A JSON object. Raises MissingField, which is a KeyError too, for a field that it lacks."""

    def __missing__(self, name: str) -> Any:
        raise MissingField(SENTENCE.format(name=name))


class DisplayedDocument(Document):
    """A JSON object that is mainly displayed: a field that it lacks is an empty one."""

    def __missing__(self, name: str) -> Any:
        return Missing(name)


def required(document: Mapping[str, Any], name: str) -> Any:
    """A field that cannot be left empty. Raises MissingField."""
    if name not in document:
        raise MissingField(SENTENCE.format(name=name))
    return document[name]


class Missing:
    """A missing field: false and empty, so a table shows nothing for it and a loop ends at once.

    Whatever depends on its value (text, number, comparison, part of an address) raises MissingField.
    """

    def __init__(self, name: str):
        self._name = name

    def _refuse(self, *args: object) -> NoReturn:
        raise MissingField(SENTENCE.format(name=self._name))

    __str__ = __format__ = __hash__ = __int__ = __float__ = __index__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getitem__(self, part: object) -> Missing:
        return self

    def get(self, name: str, default: Any = None) -> Any:
        """A field of the missing object: the default."""
        return default

    def keys(self) -> tuple[()]:
        """No fields: the same for ``values`` and ``items``."""
        return ()

    values = items = keys
