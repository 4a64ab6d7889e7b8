"""What stands between a word and what it says is the reader's language's own colon."""

import re
from pathlib import Path

from django.conf import settings
from django.template import Context, Template
from django.utils import translation

# Not within a translated sentence, which has its own.
SENTENCE = re.compile(r"\{% blocktranslate\b.*?endblocktranslate %\}", re.DOTALL)
COLON = re.compile(r"(?:\}\}|%\})(?:</?[a-z]+[^>]*>)*:(?: |</)")


def test_no_template_writes_a_colon_after_a_word():
    found = {}
    for path in (Path(settings.BASE_DIR) / "portal").glob("*/templates/**/*.html"):
        text = SENTENCE.sub("", path.read_text(encoding="utf-8"))
        lines = [line.strip()[:100] for line in text.splitlines() if COLON.search(line)]
        if lines:
            found[path.name] = lines
    assert found == {}


def test_a_colon_is_full_width_in_chinese():
    shown = Template("{{ word }}{% colon %}{{ words }}")
    for language, expected in (("en", "a: b"), ("zh-hans", "a：b")):
        with translation.override(language):
            assert shown.render(Context({"word": "a", "words": "b"})) == expected
