"""``manage.py messages``: collects translatable texts and compiles the translations.

Needs no gettext tools. Removed texts leave the catalogue; new ones wait in it for their translation.
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


def collect(book: polib.POFile) -> polib.POFile:
    """A catalogue of the current texts with the existing translations of ``book``."""
    fresh = polib.POFile(wrapwidth=110)
    fresh.header, fresh.metadata = book.header, book.metadata
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in book}
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
            book = collect(polib.pofile(str(path)))
            book.save(str(path))
            book.save_as_mofile(str(path.with_suffix(".mo")))
            missing = len([entry for entry in book if not entry.translated()])
            self.stdout.write(f"{language}: {len(book)} texts, {missing} not translated")
