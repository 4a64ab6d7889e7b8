"""``manage.py messages``: collects translatable texts and compiles the translations.

Needs no gettext tools. Removed texts leave the catalogue; new ones wait in it for their translation.

A stored message is translated when it is read, by the wording it was stored with. Texts of Python code that
were reworded or removed therefore keep their translation, in ``retired.po`` beside the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polib
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from portal.core import words
from portal.ops import extraction, template_texts
from portal.ops.extraction import Text


def all_texts() -> Iterator[Text]:
    """Every text of the portal and its worker programs, in file order."""
    for path in template_texts.template_files():
        yield from template_texts.of_template(path)
    for path in words.script_files():
        place = path.relative_to(settings.BASE_DIR).as_posix()
        yield from (Text(text, place) for text in words.of_script(path.read_text(encoding="utf-8")))
    for path in extraction.python_files():
        yield from extraction.of_python(path)
    yield from extraction.of_configs()


def po_path(language: str) -> Path:
    folder = Path(settings.LOCALE_PATHS[0], translation.to_locale(language), "LC_MESSAGES")
    return folder / "django.po"


def retired_path(language: str) -> Path:
    return po_path(language).with_name("retired.po")


def retire(retired: polib.POFile, book: polib.POFile, fresh: polib.POFile) -> polib.POFile:
    """``retired`` with the texts of Python code that ``book`` has and ``fresh`` no longer has; without those
    that are in use again.
    """
    current = {_key(entry) for entry in fresh}
    gone = [entry for entry in book if any(place.endswith(".py") for place, _ in entry.occurrences)]
    kept = {_key(entry): entry for entry in [*retired, *gone] if _may_be_stored(entry)}
    left = polib.POFile(wrapwidth=110)
    left.header, left.metadata = retired.header, fresh.metadata
    for key in sorted(kept.keys() - current):
        kept[key].occurrences, kept[key].tcomment = [], ""
        left.append(kept[key])
    return left


def compile_to(path: Path, *books: polib.POFile) -> None:
    """The compiled catalogue of all ``books``."""
    whole = polib.POFile()
    whole.metadata = books[0].metadata
    whole.extend(entry for book in books for entry in book)
    whole.save_as_mofile(str(path))


def _may_be_stored(entry: polib.POEntry) -> bool:
    """Messages have ``{name}`` places; a text with ``%(name)s`` or a context is never stored."""
    return entry.translated() and not entry.msgctxt and "%(" not in entry.msgid


def _key(entry: polib.POEntry) -> tuple[str, str]:
    return entry.msgctxt or "", entry.msgid


def collect(book: polib.POFile) -> polib.POFile:
    """A catalogue of the current texts with the existing translations of ``book``."""
    fresh = polib.POFile(wrapwidth=110)
    fresh.header, fresh.metadata = book.header, book.metadata
    known = {_key(entry): entry for entry in book}
    made: dict[tuple[str, str], polib.POEntry] = {}
    for text in all_texts():
        key = (text.context, text.msgid)
        if key not in made:
            made[key] = _entry(text, known.get(key))
            fresh.append(made[key])
        place = (text.place.rpartition(":")[0] or text.place, "")
        if place not in made[key].occurrences:
            made[key].occurrences.append(place)
    return fresh


def _entry(text: Text, old: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(msgid=text.msgid, msgctxt=text.context or None)
    if old is not None:
        entry.tcomment, entry.flags = old.tcomment, [flag for flag in old.flags if flag == "fuzzy"]
    said = (old.msgstr or old.msgstr_plural.get(0, "")) if old is not None else ""
    if text.plural:
        entry.msgid_plural, entry.msgstr_plural = text.plural, {0: said}
    else:
        entry.msgstr = said
    if "%(" in text.msgid:
        entry.flags.append("python-format")
    elif "{" in text.msgid:
        entry.flags.append("python-brace-format")
    return entry


class Command(BaseCommand):
    help = "Collect the texts that people read into the catalogues and compile these."

    def handle(self, *args, **options):
        for language, _name in settings.LANGUAGES:
            path = po_path(language)
            if not path.exists():
                continue
            before, retired = polib.pofile(str(path)), polib.pofile(str(retired_path(language)))
            book = collect(before)
            retired = retire(retired, before, book)
            book.save(str(path))
            retired.save(str(retired_path(language)))
            compile_to(path.with_suffix(".mo"), book, retired)
            missing = len([entry for entry in book if not entry.translated()])
            self.stdout.write(f"{language}: {len(book)} texts, {missing} not translated")
