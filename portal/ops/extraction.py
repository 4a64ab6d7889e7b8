"""Extracts translatable texts from Python code: calls of ``msg``, gettext and the like.

The catalogues are gettext's; only the extraction is Slipway's own. gettext's ``xgettext`` is a system package
that not every test machine has, and it understands neither templates as Django does nor the files in
``configs/``.
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
    """A text with its location and its key in the catalogue."""

    msgid: str
    place: str
    context: str = ""
    plural: str = ""


def python_files() -> Iterator[Path]:
    """The project's modules, including those of worker programs."""
    for folder in ("portal", "workers"):
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py")):
            name = path.relative_to(settings.BASE_DIR).as_posix()
            if "/migrations/" not in name and "/." not in name:
                yield path


def of_python(path: Path) -> Iterator[Text]:
    """The translatable texts of one module."""
    yield from of_source(path.read_text(encoding="utf-8"), path.relative_to(settings.BASE_DIR).as_posix())


def of_source(source: str, name: str) -> Iterator[Text]:
    """As ``of_python``, from a module's source."""
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
    """The translatable texts in ``configs/``."""
    folder = Path(settings.CONFIGS_DIR)
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]):
        book = yaml.safe_load(path.read_text(encoding="utf-8"))
        place = path.relative_to(settings.BASE_DIR).as_posix()
        books = [book, *book.values()] if isinstance(book, dict) else []
        for one in (one for one in books if isinstance(one, dict)):
            for key in WORDS_OF_BOOKS:
                if isinstance(one.get(key), str):
                    yield Text(one[key].strip(), place)
