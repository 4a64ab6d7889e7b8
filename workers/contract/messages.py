"""Messages for people: a text id with parameters. Standard library only.

``msg("{count} images are too small.", count=3)`` makes a ``Message``. It is a ``str``, the English sentence,
so logs and programs need not care; but it keeps its id, which is the English template in gettext's format,
and its parameters. Stored and sent as JSON it stays a message, and is rendered in the reader's language when
displayed (``portal/core/messages.py``).

A parameter that is a Message is translated with the sentence around it. A plain text never is: it may be a
name that someone typed. No sentence is ever parsed back, and placeholders take only the given parameters.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

DEPTH = 6  # nesting depth of messages accepted when reading
MOST_PARAMS = 20
MOST_PARTS = 100  # of a list, or of joined messages
LONGEST_ID = 2000  # characters
LONGEST_GAP = 3  # between joined messages
LONGEST = 20_000  # characters of an English message accepted when reading
LONGEST_STORED = 20_000  # characters of JSON in a column

Value = Any  # str, int, float, Message, or a list of these
Render = Callable[["Message"], str]


class Message(str):
    """One sentence or phrase. Create it with ``msg``, ``msg_n`` or ``join``.

    ``str(message)`` is the message itself. So ``str(error)`` of an error created with one keeps it.
    """

    __slots__ = ("by", "depth", "id", "number", "params", "parts", "plural")

    id: str
    plural: str  # the template for more than one; empty without a plural form
    number: int  # that the form depends on
    params: dict[str, Value]
    parts: tuple[str, ...]  # of ``join``, which has no id
    by: str
    depth: int  # nesting depth, 1 without nested messages

    def __new__(
        cls,
        id: str,
        params: Mapping[str, Value] | None = None,
        plural: str = "",
        number: int = 0,
        parts: Iterable[str] = (),
        by: str = "",
    ) -> Message:
        kept = {name: _value(value) for name, value in (params or {}).items()}
        parts = tuple(parts)
        text = by.join(parts) if parts else fill(plural if plural and number != 1 else id, kept)
        self = super().__new__(cls, text)
        self.id, self.params, self.plural, self.number = str.__str__(id), kept, plural, number
        self.parts, self.by = parts, by
        self.depth = 1 + max((_depth(value) for value in (*kept.values(), *parts)), default=0)
        return self

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple:
        return Message, (self.id, self.params, self.plural, self.number, self.parts, self.by)

    def as_json(self) -> dict[str, Any]:
        """The message as plain data; ``from_json`` reads it."""
        if self.parts:
            return {"parts": [plain(part) for part in self.parts], "by": self.by}
        params = plain(self.params)
        if self.plural:
            return {"id": self.id, "plural": self.plural, "count": self.number, "params": params}
        return {"id": self.id, "params": params}


def msg(id: str, /, **params: Value) -> Message:
    """A message. ``id`` is a literal with named placeholders, so that gettext's tools find it.

    One without parameters is cached: readers use it for each of a million images.
    """
    return Message(id, params) if params else _fixed(id)


@functools.lru_cache(maxsize=1024)
def _fixed(id: str, plural: str = "") -> Message:
    return Message(id, {"count": 0}, plural) if plural else Message(id)


def msg_n(one: str, many: str, count: int = 0, /, **params: Value) -> Message:
    """As ``msg``, with the plural form for ``count``, which is a parameter too.

    ``counted`` later sets the count of a message created before it is known, such as a finding's.
    """
    if not count and not params:
        return _fixed(one, many)
    return Message(one, {"count": count, **params}, many, count)


def join(parts: Iterable[str], by: str = " ") -> Message:
    """Join several messages into one: sentences, or phrases separated by "; " or ", ". Empty ones are
    dropped.
    """
    return Message("", parts=[part for part in parts if part], by=by)


def counted(message: Message, count: int) -> Message:
    """``message`` with its parameter ``count`` set, once that is known."""
    return Message(message.id, {**message.params, "count": count}, message.plural, count)


def changed(message: str, change: Callable[[str], str]) -> str:
    """``message`` with ``change`` applied to each plain text in it, or to itself if it is one."""
    if not isinstance(message, Message):
        return change(message)
    if message.parts:
        return Message("", parts=[changed(part, change) for part in message.parts], by=message.by)

    def of(value: Value) -> Value:
        if isinstance(value, list):
            return [of(one) for one in value]
        return changed(value, change) if isinstance(value, str) else value

    params = {name: of(value) for name, value in message.params.items()}
    return Message(message.id, params, message.plural, message.number)


def fill(template: str, params: Mapping[str, Value], render: Render = str) -> str:
    """Fill the template's placeholders with ``params``; ``render`` renders nested messages.

    In one pass from left to right: a brace in a parameter is text.
    """
    first, *rest = template.split("{")
    told = [first]
    for piece in rest:
        name, closed, after = piece.partition("}")
        told.append(_render(params[name], render) + after if closed and name in params else "{" + piece)
    return "".join(told)


def places(template: str) -> list[str]:
    """The names of a template's placeholders, in order."""
    found = [piece.partition("}") for piece in template.split("{")[1:]]
    return [name for name, closed, _ in found if closed and name.isidentifier()]


def _render(value: Value, render: Render) -> str:
    if isinstance(value, list):
        return ", ".join(_render(one, render) for one in value)
    return render(value) if isinstance(value, Message) else str(value)


def _depth(value: Value) -> int:
    if isinstance(value, list):
        return max((_depth(one) for one in value), default=0)
    return value.depth if isinstance(value, Message) else 0


def _value(value: Any) -> Value:
    """A parameter as it is stored; the text of a value of any other type."""
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    if type(value) in (int, float):
        return value
    text = str(value)  # of an error: the message it was created with
    return text if isinstance(text, Message) else str.__str__(text)


# --- as JSON ------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """``value`` with every message in it as plain data, for JSON."""
    if isinstance(value, Message):
        return value.as_json()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


class Encoder(json.JSONEncoder):
    """Encodes messages: ``json.dumps(data, cls=Encoder)``."""

    def encode(self, o: Any) -> str:
        return super().encode(plain(o))

    def iterencode(self, o: Any, _one_shot: bool = False):
        return super().iterencode(plain(o), _one_shot)


class Decoder(json.JSONDecoder):
    """Decodes the output of ``Encoder``: ``json.loads(text, cls=Decoder)``."""

    def __init__(self, **options: Any):
        super().__init__(object_hook=from_json, **options)


def stored(text: str) -> str:
    """A text for a database column: a message as its JSON. A plain text that looks like one is wrapped."""
    if not isinstance(text, Message):
        if not text.startswith("{"):
            return text
        text = Message("", parts=[text])
    data = json.dumps(text, cls=Encoder, ensure_ascii=False)
    return data if len(data) <= LONGEST_STORED else f"{text:.2000}"


def loaded(text: str) -> str:
    """The inverse of ``stored``."""
    if not text.startswith("{"):
        return text
    try:
        found = json.loads(text, cls=Decoder)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, Message) else text


def from_json(data: Any) -> Any:
    """The message encoded in ``data``; anything else unchanged.

    Boards and worker programs write some of it: what exceeds the limits of a message stays data.
    """
    try:
        return _read(data, DEPTH) if _is_message(data) else data
    except ValueError:
        return data


def _is_message(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    fields = {name: type(value) for name, value in data.items()}
    return fields in _FORMS


_FORMS = (
    {"id": str, "params": dict},
    {"id": str, "params": dict, "plural": str, "count": int},
    {"parts": list, "by": str},
)


def _read(value: Any, depth: int) -> Value:
    """A message, parameter or part that may be stored. Raises ValueError for anything invalid."""
    if isinstance(value, Message | str | int | float) and not isinstance(value, bool):
        return value
    if depth <= 0:
        raise ValueError("too deep")
    if isinstance(value, list):
        return [_read(one, depth - 1) for one in value[:MOST_PARTS]]
    if not _is_message(value):
        raise ValueError("not a message")
    made = _row(value, depth) if "parts" in value else _sentence(value, depth)
    if len(made) > LONGEST or made.depth > DEPTH:
        raise ValueError("too large")
    return made


def _row(data: dict, depth: int) -> Message:
    parts = [_read(part, depth - 1) for part in data["parts"][:MOST_PARTS]]
    if not parts or not all(isinstance(part, str) for part in parts) or len(data["by"]) > LONGEST_GAP:
        raise ValueError("not a row of messages")
    return Message("", parts=parts, by=data["by"])


def _sentence(data: dict, depth: int) -> Message:
    templates = (data["id"], data.get("plural", ""))
    if any(len(one) > LONGEST_ID or one.count("{") > MOST_PARAMS for one in templates):
        raise ValueError("not a sentence of ours")
    if len(data["params"]) > MOST_PARAMS:
        raise ValueError("too many parameters")
    params = {name: _read(value, depth - 1) for name, value in data["params"].items()}
    return Message(data["id"], params, data.get("plural", ""), data.get("count", 0))
