"""The texts of the scripts in the reader's language; each page carries them as JSON.

A script writes ``t("{count} lines", { count })``, see ``static/core/words.js``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils import translation

_CALL = re.compile(r"""\bt\(\s*("(?:[^"\\]|\\.)*")""")


def script_files() -> list[Path]:
    """The portal's own scripts, without third-party libraries."""
    found = Path(settings.BASE_DIR, "portal").glob("*/static/**/*.js")
    return sorted(path for path in found if "vendor" not in path.parts and path.name != "words.js")


def of_script(source: str) -> list[str]:
    """The translatable texts of a script."""
    return [call[1:-1].replace('\\"', '"') for call in _CALL.findall(source)]


@cache
def of_scripts(language: str) -> dict[str, str]:
    """Text → translation for every text of every script; empty for the source language."""
    if language == settings.LANGUAGE_CODE:
        return {}
    texts = {text for path in script_files() for text in of_script(path.read_text(encoding="utf-8"))}
    with translation.override(language):
        return {text: translation.gettext(text) for text in sorted(texts)}
