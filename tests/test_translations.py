"""Every text that people read is in the catalogue, and translated. What is found here stands in the failure.

``make messages`` collects what is new; then it wants its translation in ``portal/locale``.
"""

import ast
import gettext
import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType
from django.utils import translation

from portal.core import words
from portal.core.messages import shown
from portal.ops import extraction, template_texts
from portal.ops.management.commands.messages import all_texts, collect, po_path, retire, retired_path
from workers.contract.messages import Message, fill

ROOT = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
PLACE = re.compile(r"\{\w+\}|%\(\w+\)[sd]")

# Names and units: the same in every language.
NAMES = set(
    """
    Slipway ONNX RKNN NPU CPU SSH SFTP SHA API CSV JSON TOPS top int8 int16 float Paddle PaddleX
    rknn report json bi min ms MB GB English EN video label txt train val images
    """.split()
)
HUMAN_ATTRIBUTES = ("title", "alt", "placeholder", "aria-label", "data-label")
# What jobs, boards and services say stands in variables of these names.
SAID = {"message", "problem", "phase", "error", "notice", "warning", "reason", "detail", "sentence"}
# What a person wrote, and nobody translates.
OWN = {"draft.message"}


def book_of(language: str) -> polib.POFile:
    return polib.pofile(str(po_path(language)))


def said(entry: polib.POEntry) -> str:
    return entry.msgstr or entry.msgstr_plural.get(0, "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_untranslated(language):
    found = {(text.context, text.msgid) for text in all_texts()}
    assert len(found) > 1000
    translated = {(entry.msgctxt or "", entry.msgid) for entry in book_of(language) if said(entry)}
    assert sorted(found - translated) == []


# Words that readers stumbled over, and what is said instead.
WORN_OUT = {
    "prob(?:e[sd]?|ing)": "check the connection", "ask(?:ed|ing|s)? the board": "run inference",
    "otherwise": "differently", "reckon[a-z]*": "estimate", "at work": "in progress",
    "do not know my": "Forgot your …?", "of a few": "with few", "nothing waits": "nothing queued",
    "only looking": "No data yet?", "complain about": "No problems found",
    "how the images are": "Image statistics", "where to": "Target", "per step": "Batch size",
    "hop": "stage", "never may|may only|may not|may no longer": "can, is not allowed to",
    "has ended stands": "are in History", "things? first": "Review … warnings first",
    "^answering": "running inference", "the usual one": "the default", "better fitting": "improve",
    "pictures?": "image", "the photograph": "the image", "stands? here": "is listed",
    "面积的标注框": "面积为零的标注框", "让开发板识别": "在开发板上推理", "每步图片数": "批大小",
    "起点": "预训练权重", "量化(?:比例|尺度)": "量化参数（scale）", "布局": "格式",
    "PaddleX（飞桨）": "PaddleX", "带走": "导出", "翻转的图片": "预测发生变化的图片", "成本": "资源开销",
    "自述": "设备信息", "选择上的": "参数差异", "放回": "恢复", "另一侧": "另一划分",
    "精确检": "高精度检", "作业": "任务", "我不知道": "忘记", "块中": "共…块", "图像": "图片",
    "识别结果": "预测结果", "保存并检测": "测试连接",
}  # fmt: skip


@pytest.mark.parametrize("word", WORN_OUT)
def test_no_text_has_a_word_that_was_replaced(word):
    english = word.isascii()
    told = re.compile(rf"(?<!\w)(?:{word})\b" if english else word, re.IGNORECASE)
    texts = [text for entry in book_of("zh-hans") for text in _sides(entry)[0 if english else 1]]
    assert [text for text in texts if told.search(text)] == [], f"say: {WORN_OUT[word]}"


def _sides(entry: polib.POEntry) -> tuple[list[str], list[str]]:
    """The texts of an entry in English, and its translations."""
    return [entry.msgid, entry.msgid_plural], [entry.msgstr, *entry.msgstr_plural.values()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_is_what_is_collected_now(language):
    book = book_of(language)
    keys = {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in book}
    assert {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in collect(book)} == keys
    assert [entry.msgid for entry in book if "fuzzy" in entry.flags] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language):
    with po_path(language).with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in (entry for entry in book_of(language) if said(entry)):
        key = entry.msgid if entry.msgctxt is None else f"{entry.msgctxt}\x04{entry.msgid}"
        got = compiled.ngettext(key, "", 1) if entry.msgid_plural else compiled.gettext(key)
        assert got == said(entry), entry.msgid


def test_a_reworded_message_keeps_its_translation():
    """Messages are stored by their wording: those of an earlier version are still shown in Chinese."""
    book, fresh = polib.POFile(), polib.POFile()
    texts = {"The board is away.": "a.py", "%(count)s boards": "a.py", "Boards": "page.html"}
    for text, place in texts.items():
        book.append(polib.POEntry(msgid=text, msgstr="开发板", occurrences=[(place, "")]))
    retired = retire(polib.POFile(), book, fresh)
    assert [entry.msgid for entry in retired] == ["The board is away."]
    assert [entry.msgid for entry in retire(retired, polib.POFile(), book)] == []  # in use again


@pytest.mark.parametrize("language", LANGUAGES)
def test_stored_messages_of_earlier_wordings_are_translated(language):
    retired = polib.pofile(str(retired_path(language)))
    assert not {entry.msgid for entry in retired} & {entry.msgid for entry in book_of(language)}
    with translation.override(language):
        for entry in (entry for entry in retired if not entry.msgid_plural):
            params = dict.fromkeys(re.findall(r"{(\w+)}", entry.msgid), "x")
            assert shown(Message(entry.msgid, params)) == fill(entry.msgstr, params)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_of_its_text(language):
    def places(text):
        return {place for place in PLACE.findall(text) if not place.startswith("{plural")}

    wrong = [entry.msgid for entry in book_of(language) if places(entry.msgid) != places(said(entry))]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_markup_and_line_breaks_survive_translation(language):
    marks = re.compile(r"</?\w+")
    for entry in book_of(language):
        assert sorted(marks.findall(entry.msgid)) == sorted(marks.findall(said(entry))), entry.msgid
        assert entry.msgid.count("\n") == said(entry).count("\n"), entry.msgid


# --- templates --------------------------------------------------------------------------------


def human(text: str) -> bool:
    """Whether words are left when names are taken away."""
    return any(word not in NAMES for word in re.findall(r"[A-Za-z]{2,}\d*", text))


def bare_texts(source: str) -> list[str]:
    """Words in a template that no tag marks for translation: text nodes and attributes for people."""
    source = re.sub(r"{% comment %}.*?{% endcomment %}", "", source, flags=re.S)
    kept, marked = [], False
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            if "blocktrans" in name:
                marked = not name.startswith("end")
        if token.token_type == TokenType.TEXT and not marked:
            kept.append(token.contents)
        elif token.token_type in (TokenType.BLOCK, TokenType.VAR):
            kept.append("\x00")
    text = "".join(kept)
    text = re.sub(r"<!doctype[^>]*>|<(script|style|code|pre|kbd)\b.*?</\1>", "", text, flags=re.S)
    attributes = [
        value
        for name, value in re.findall(r'\b([\w-]+)="([^"<>]*)"', text)
        if name in HUMAN_ATTRIBUTES and human(value)
    ]
    nodes = [part for part in re.split(r"[\x00]|<[^<>]*>", re.sub(r'="[^"]*"', "", text)) if human(part)]
    return attributes + [part.strip() for part in nodes]


def test_bare_texts_are_found():
    assert bare_texts("<p>{% translate 'Hello you' %} <b>{{ x }}</b></p>") == []
    assert bare_texts("<p>Hello {{ name }}</p>") == ["Hello"]
    assert bare_texts('<a title="Go there" href="/a b/">{{ x }}</a>') == ["Go there"]
    assert bare_texts("{% blocktranslate %}Hello{% endblocktranslate %} you") == ["you"]
    assert bare_texts("{% if a > b %}yes{% endif %}") == ["yes"]
    assert bare_texts("<code>apt install</code> ONNX <!-- -->") == []


def test_templates_have_no_bare_text():
    found = {}
    for path in template_texts.template_files():
        texts = bare_texts(path.read_text(encoding="utf-8"))
        if texts:
            found[path.relative_to(ROOT).as_posix()] = texts
    assert found == {}


def test_words_given_to_tags_are_marked():
    """``{% status "running" "Asking" %}`` shows its second word; ``with words="…"`` and yesno as well."""
    bare = re.compile(
        r'{%\s*status\s+\S+\s+"[^"]+"|{%\s*include[^%]*\bwith\b[^%]*\bwords="|'
        r'\|(?:default|yesno)(?:_if_none)?:"[^"]*[A-Za-z]{2,} ?[^"]*"'
    )
    found = {}
    for path in template_texts.template_files():
        hits = [hit for hit in bare.findall(path.read_text(encoding="utf-8")) if human(hit.partition('"')[2])]
        if hits:
            found[path.relative_to(ROOT).as_posix()] = hits
    assert found == {}


def test_what_is_said_elsewhere_is_translated_when_shown():
    """A stored message passes the filter ``shown``, or it would stay English."""
    found = {}
    for path in template_texts.template_files():
        for token in Lexer(path.read_text(encoding="utf-8")).tokenize():
            if token.token_type != TokenType.VAR:
                continue
            name = token.contents.partition("|")[0].strip()
            if name in OWN:
                continue
            if name.rpartition(".")[2] in SAID and "shown" not in token.contents.partition("|")[2]:
                found.setdefault(path.relative_to(ROOT).as_posix(), []).append(token.contents)
    assert found == {}


# --- Python -----------------------------------------------------------------------------------

SHOWN_KEYWORDS = {"label", "help_text", "empty_label", "legend", "heading"}


def unmarked_words(source: str, forms: bool) -> list[str]:
    """Labels, help and choices that are plain text although a form or a page shows them."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if forms and isinstance(node, ast.keyword) and node.arg in SHOWN_KEYWORDS:
            found += _plain(node.value)
        elif isinstance(node, ast.keyword) and node.arg == "title" and not forms:
            found += _plain(node.value)
        elif isinstance(node, ast.Assign) and forms and isinstance(node.targets[0], ast.Attribute):
            found += _plain(node.value) if node.targets[0].attr in SHOWN_KEYWORDS else []
        elif isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Tuple):
                    found += _plain(line.value.elts[-1])
    return found


def _plain(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and human(node.value):
        return [node.value]
    return [ast.unparse(node)] if isinstance(node, ast.JoinedStr) else []


def test_unmarked_words_are_found():
    assert unmarked_words('forms.CharField(label="Name")', True) == ["Name"]
    assert unmarked_words('forms.CharField(label=_("Name"))', True) == []
    assert unmarked_words('class A(models.TextChoices):\n    B = "b", "Bee"', False) == ["Bee"]


def test_labels_choices_and_titles_are_marked():
    found = {}
    for path in extraction.python_files():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("portal/"):
            continue
        forms = path.name.endswith("forms.py")
        if forms or path.name in ("models.py", "apps.py"):
            texts = unmarked_words(path.read_text(encoding="utf-8"), forms)
            if texts:
                found[name] = texts
    assert found == {}


def test_marked_texts_of_the_code_are_collected():
    source = """
def f(count, name):
    messages.success(request, msg("{name} is gone.", name=name))
    findings.add("warn", "bad", msg("{count} images are too small."), name)
    raise InputError(msg_n("{count} image", "{count} images", count))
"""
    found = [(text.msgid, text.plural) for text in extraction.of_source(source, "portal/x.py")]
    assert sorted(found) == [
        ("{count} image", "{count} images"),
        ("{count} images are too small.", ""),
        ("{name} is gone.", ""),
    ]


# --- scripts ----------------------------------------------------------------------------------

STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
SENTENCE = re.compile(r"[A-Za-z]{2,},? [a-z]+|[A-Z][a-z]{2,}[….!?]$")
MARKUP = re.compile(r"\[data-|\[name|input\[|querySelector|^[.#]\w|:not\(|:checked|form\[|button:|\boption\[")


def bare_strings(source: str) -> list[str]:
    """Texts of a script outside ``t(…)`` that look like words for people."""
    source = re.sub(r"//[^\n]*", "", source)
    source = re.sub(r"\bt\(\s*\"(?:[^\"\\]|\\.)*\"", "t(", source)
    texts = [a or b for a, b in STRING.findall(source)]
    return [text for text in texts if SENTENCE.search(text) and not MARKUP.search(text)]


def test_scripts_have_no_bare_text():
    assert bare_strings('note("Choose a file"); t("Choose a file")') == ["Choose a file"]
    found = {path.name: bare_strings(path.read_text(encoding="utf-8")) for path in words.script_files()}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_a_page_brings_the_words_of_its_scripts():
    book = words.of_scripts("zh-hans")
    assert book["Receiving"] == "接收中"
    assert all(book.values())
    assert words.of_scripts("en") == {}


def test_percent_signs_in_templates_are_found_again():
    """Django doubles them before it looks a text up, so the catalogue must have them doubled."""
    texts = template_texts.of_source('{% load i18n %}{% translate "Kept, %" %}{{ x|default:_("5 %") }}', "x")
    assert [text.msgid for text in texts] == ["Kept, %%", "5 %%"]
