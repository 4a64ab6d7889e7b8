"""Finds the texts that our code marks for translation: calls of ``msg``, of gettext and its kin.

The catalogues are gettext's; only the collecting is ours. gettext's own ``xgettext`` is a package of the
system and not on every machine that runs the tests, and it reads neither our templates as Django does, nor
the books in ``configs/``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from django.conf import settings

GETTEXT = {"_", "gettext", "gettext_lazy", "gettext_noop", "msg"}
PLURAL = {"ngettext", "ngettext_lazy", "msg_n"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy"}
WORDS_OF_BOOKS = ("title", "summary", "notes")


@dataclass(frozen=True, slots=True)
class Text:
    """One text: where it stands, and how the catalogue names it."""

    msgid: str
    place: str
    context: str = ""
    plural: str = ""


def python_files() -> Iterator[Path]:
    """Our modules, those of worker programs included."""
    for folder in ("portal", "workers"):
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py")):
            name = path.relative_to(settings.BASE_DIR).as_posix()
            if "/migrations/" not in name and "/." not in name:
                yield path


def of_python(path: Path) -> Iterator[Text]:
    """The marked texts of one module."""
    yield from of_source(path.read_text(encoding="utf-8"), path.relative_to(settings.BASE_DIR).as_posix())


def of_source(source: str, name: str) -> Iterator[Text]:
    """As ``of_python``, of a module's source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield from _marked(node, f"{name}:{node.lineno}")


def _marked(node: ast.Call, place: str) -> Iterator[Text]:
    name = ast.unparse(node.func).rpartition(".")[2]
    words = [argument.value for argument in node.args if is_text(argument)]
    if name in GETTEXT and words:
        yield Text(words[0], place)
    elif name in PLURAL and len(words) >= 2:
        yield Text(words[0], place, plural=words[1])
    elif name in WITH_CONTEXT and len(words) >= 2:
        yield Text(words[1], place, context=words[0])


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def of_configs() -> Iterator[Text]:
    """What the books in ``configs/`` say to people."""
    folder = Path(settings.CONFIGS_DIR)
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]):
        book = yaml.safe_load(path.read_text(encoding="utf-8"))
        place = path.relative_to(settings.BASE_DIR).as_posix()
        books = [book, *book.values()] if isinstance(book, dict) else []
        for one in (one for one in books if isinstance(one, dict)):
            for key in WORDS_OF_BOOKS:
                if isinstance(one.get(key), str):
                    yield Text(one[key].strip(), place)
