"""A person's options for reading an upload."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Sequence
from typing import Any

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.errors import InputError

from .reading import CLASS, ROLES, SPLIT_ROLES

MAX_GIVEN = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class ReadingOptions:
    """The reading options; None or empty if not given.

    ``format`` is a key of ``formats.FORMATS``. Columns are titles, or numbers from 1. ``tables`` are the
    paths of the tables to use, ``ids_from`` the id of the first class (0 or 1), ``ignore`` are folders, files
    or patterns with ``*``, ``roles`` give folders one of ``reading.ROLES``.
    """

    format: str | None = None
    label_column: str | None = None
    image_column: str | None = None
    split_column: str | None = None
    one_hot: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    ids_from: int | None = None
    ignore: tuple[str, ...] = ()
    roles: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_params(cls, given: Any, layout: str | None = None) -> ReadingOptions:
        """Raises InputError for invalid values. ``layout`` is the old name of ``format``."""
        values = {key: value for key, value in _object(given).items() if value not in (None, "", [], {})}
        unknown = sorted(values.keys() - _KNOWN)
        if unknown:
            raise InputError(
                msg(
                    "There is no reading option called {name}: use {known}.",
                    name=repr(names.show(unknown[0])),
                    known=", ".join(_KNOWN),
                )
            )
        return cls(
            format=_text("as", values.get("as") or layout),
            label_column=_column("label_column", values.get("label_column")),
            image_column=_column("image_column", values.get("image_column")),
            split_column=_column("split_column", values.get("split_column")),
            one_hot=_texts("one_hot", values.get("one_hot")),
            tables=tuple(map(_path, _texts("tables", values.get("tables")))),
            ids_from=_ids_from(values.get("ids_from")),
            ignore=tuple(map(_path, _texts("ignore", values.get("ignore")))),
            roles=_roles(values.get("roles")),
        )

    def given_role(self, path: str, *roles: str) -> str | None:
        """Return the nearest folder above ``path`` that a person gave one of these roles."""
        if not self.roles:
            return None
        folder = path.rpartition("/")[0]
        while folder and self.roles.get(folder) not in roles:
            folder = folder.rpartition("/")[0]
        return folder or None

    def split_of(self, path: str) -> str | None:
        """Return the split that a person gave a folder above ``path``."""
        folder = self.given_role(path, *SPLIT_ROLES)
        return self.roles[folder] if folder is not None else None

    @property
    def gives_classes(self) -> bool:
        """Whether a person gave some folder the role of a class."""
        return CLASS in self.roles.values()

    def ignores(self, path: str) -> bool:
        """Whether ``path`` is ignored itself, by a folder above it or by a pattern."""
        return any(
            path == given or path.startswith(given + "/") or ("*" in given and fnmatch.fnmatch(path, given))
            for given in self.ignore
        )


_KNOWN = ("as", "label_column", "image_column", "split_column", "one_hot", "tables", "ids_from", "ignore",
          "roles")  # fmt: skip


def _object(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InputError(msg("The reading options must be an object of names and values."))
    return given


def _text(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        shown = names.show(repr(value))
        raise InputError(
            msg("The reading option {name} must be a text, not {value}.", name=name, value=shown)
        )
    return value


def _column(name: str, value: Any) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(name, value)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    values: Sequence[Any] = [value] if isinstance(value, str) else (value or ())
    if not isinstance(values, list | tuple) or not all(isinstance(text, str) and text for text in values):
        raise InputError(msg("The reading option {name} must be a list of texts.", name=name))
    if len(values) > MAX_GIVEN:
        raise InputError(
            msg_n(
                "The reading option {name} has {count} entry: use at most {most}.",
                "The reading option {name} has {count} entries: use at most {most}.",
                len(values),
                name=name,
                most=MAX_GIVEN,
            )
        )
    return tuple(values)


def _path(text: str) -> str:
    return names.normal_separators(text).strip("/").removeprefix("./")


def _ids_from(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or str(value) not in ("0", "1"):
        raise InputError(msg("Class ids begin at 0 or at 1, not at {value}.", value=names.show(repr(value))))
    return int(value)


def _roles(value: Any) -> dict[str, str]:
    given = value or {}
    if not isinstance(given, dict) or len(given) > MAX_GIVEN:
        raise InputError(msg("The reading option roles must be an object of folders and their roles."))
    roles = {}
    for folder, role in given.items():
        role = role.removeprefix("split:") if isinstance(role, str) else role
        if role not in ROLES:
            raise InputError(
                msg(
                    "There is no role called {role} for the folder {folder}: use {roles}.",
                    role=repr(names.show(str(role))),
                    folder=repr(names.show(folder)),
                    roles=", ".join(ROLES),
                )
            )
        roles[_path(folder)] = role
    return roles
