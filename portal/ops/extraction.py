"""Finds the texts of our code that people read: for the catalogue, and for the test that counts them.

Three ways to write one, and no other:
- templates: ``{% translate %}`` and ``{% blocktranslate %}``;
- words of forms, choices and pages in Python: ``gettext`` and its kin, in our scripts ``t("…")``;
- sentences that are stored, logged or answered by the API: plain English where they arise. Every text of
  at least two words counts as one unless ``NOT_SHOWN`` or ``NOT_SENTENCES`` says why not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from django.conf import settings

from portal.core.sentences import CONTEXT

GETTEXT = {"_", "gettext", "gettext_lazy", "gettext_noop", "msg"}
PLURAL = {"ngettext", "ngettext_lazy", "msg_n"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy"}

# Modules whose texts no reader of a page meets.
NOT_SHOWN = (
    "portal/settings.py", "portal/env.py", "portal/secrets_file.py",  # before the portal runs
    "portal/ops/management/", "portal/ops/demo.py", "portal/ops/vendor.py",
    "portal/ops/supervision.py", "portal/core/datalock.py", "portal/tied.py", "portal/ops/web.py",
    "portal/core/configs/", "portal/core/checks.py", "portal/models/checks.py",
    "portal/ops/ports.py", "portal/core/bucket.py", "portal/cli/",  # terminals
    "portal/core/schema.py",  # the description of the API, which is English
    "portal/core/patience.py",  # the log
    "portal/ops/extraction.py", "portal/core/sentences.py", "portal/ops/template_texts.py",  # these tools
    "workers/virtual_board/", "workers/train/tools/", "workers/convert/torch_stub/",  # stand in for others
)  # fmt: skip
# Calls whose texts are not for people, by the last part of the name.
_TOOLS = set(
    """
    compile search match fullmatch sub subn split rsplit finditer findall partition rpartition
    startswith endswith removeprefix removesuffix replace strip lstrip rstrip encode index count find
    debug info warning error exception critical log note print write write_text happens
    add_argument add_parser ArgumentParser ArgumentTypeError extend_schema OpenApiParameter OpenApiResponse
    OpenApiExample extend_schema_field extend_schema_view inline_serializer
    ValueError TypeError RuntimeError AssertionError NotImplementedError KeyError LookupError OSError
    ConnectionResetError EOFError ReadError SettingError CommandError AppendOnly
    get setdefault pop getattr hasattr setattr render redirect reverse path re_path filter exclude execute
    import_module Path open glob rglob getLogger TypeVar patch_vary_headers
    """.split()
)
# A call of one of these names that does reach people all the same.
_SHOWN = {"messages.info", "messages.warning", "messages.error", "findings.add", "self._findings.add"}
_KEYWORDS = {
    "content_type",
    "description",
    "sep",
    "attrs",
    "headers",
    "default",
    "env",
    "help",
    "verbose_name",
}
# What begins a phase of a job is shown even when it is one word.
_PHASES = {"phase", "say", "on_phase", "_say_phase", "_step"}
_HUMAN = re.compile(r"[A-Za-z'’)]{2}[,;:.]? \(?[A-Za-z{0-9]|[}] [a-z]{2}|[a-z]{2}[,:]? \{")
# Two words that are code, a header or a format all the same.
_CODE = re.compile(
    r"charset=|attachment;|max-age=|no-cache|^bytes |^default-src|-src '|Bearer |^PRAGMA |is-invalid|btn-|"
    r"form-|"
    r"^\{\w+\} (for|on|to) \{\w+\}$|"  # names alone
    r"\b(CREATE|INSERT|WHERE|ORDER BY|SELECT)\b|^instr\(|^id IN |^import |^from \w+ import|"
    r"^[a-z_]+( [a-z_]+)*=|\\[dws]|^--|/proc/|2>|\bdd\b|^\{\w+\}: \{\w+\}$|<\w+"
)
# Texts of two words that nobody reads, or that are names alone, by why.
_EXCUSES = {
    "names alone": ["{split}.txt: {strip}", "{value} ms"],
    "what a tool prints, to be recognised": [
        "No space left", "Disk quota exceeded", "not enough space", "incompatible model version",
        "Mismatch driver version", "failed to allocate fd", "unsupport cpu",
        "Traceback (most recent call last):", "not support do_quantization = False",
        "Invalid target_platform", "TorchIsAStubError|stand-in for PyTorch", "Unsupport onnx opset",
        "Error parsing message", "The image of .* is invalid",
        "bad_alloc|MemoryError|Cannot allocate memory", "No space left on device",
    ],
    "part of a file or a protocol": [
        "train: images/train", "val: images/val", "nc: {class_names}", "names: {listed}", "data set",
        "Checksum Mismatch", "Mac OS", ".img",
    ],
}  # fmt: skip
NOT_SENTENCES = {text: why for why, texts in _EXCUSES.items() for text in texts}


@dataclass(frozen=True, slots=True)
class Text:
    """One text: where it stands, and how the catalogue names it."""

    msgid: str
    place: str
    context: str = ""
    plural: str = ""


def python_files() -> Iterator[Path]:
    """Our modules whose texts may be shown."""
    for folder in ("portal", "workers"):
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py")):
            name = path.relative_to(settings.BASE_DIR).as_posix()
            if "/migrations/" in name or "/." in name or name.startswith(NOT_SHOWN):
                continue
            yield path


def of_python(path: Path) -> Iterator[Text]:
    """The texts of one module: those marked with gettext, and the sentences."""
    yield from of_source(path.read_text(encoding="utf-8"), path.relative_to(settings.BASE_DIR).as_posix())


def of_source(source: str, name: str) -> Iterator[Text]:
    """As ``of_python``, of a module's source."""
    yield from _Module(ast.parse(source), name).texts()


class _Module:
    def __init__(self, tree: ast.Module, name: str):
        self.tree, self.name = tree, name
        self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def texts(self) -> Iterator[Text]:
        for node in ast.walk(self.tree):
            place = f"{self.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call):
                yield from self._marked(node, place)
            elif isinstance(node, ast.JoinedStr | ast.BinOp | ast.Constant) and self._is_whole(node):
                yield from self._sentence(node, place)

    def _marked(self, node: ast.Call, place: str) -> Iterator[Text]:
        name = called(node).rpartition(".")[2]
        words = [argument.value for argument in node.args if _is_text(argument)]
        if name in GETTEXT and words:
            yield Text(words[0], place)
        elif name in PLURAL and len(words) >= 2:
            yield Text(words[0], place, plural=words[1])
        elif name in WITH_CONTEXT and len(words) >= 2:
            yield Text(words[1], place, context=words[0])

    def _is_whole(self, node: ast.expr) -> bool:
        """Whether this is a text of its own and no piece of a longer one, and no docstring."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.Expr | ast.JoinedStr):
            return False
        if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add) and _has_text(parent):
            return False
        return _has_text(node)

    def _sentence(self, node: ast.expr, place: str) -> Iterator[Text]:
        text = as_pattern(node).strip()
        if self._is_phase(node) or self._is_choice_of_words(node):
            wanted = re.search("[A-Za-z]{2,}", text) is not None
        else:
            wanted = bool(_HUMAN.search(text)) and not _CODE.search(text)
        if wanted and text not in NOT_SENTENCES and not self._is_excused(node):
            yield Text(text, place, CONTEXT)

    def _ancestors(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        while (parent := self.parents.get(node)) is not None and not isinstance(parent, ast.FunctionDef):
            yield parent, node
            if isinstance(parent, ast.stmt):
                return
            node = parent

    def _is_excused(self, node: ast.expr) -> bool:
        for parent, child in self._ancestors(node):
            if isinstance(parent, ast.keyword) and parent.arg in _KEYWORDS:
                return True
            if isinstance(parent, ast.keyword) and parent.arg == "help_text" and self._is_api():
                return True
            if isinstance(parent, ast.Call) and child is not parent.func:
                name = called(parent)
                last = name.rpartition(".")[2]
                if last in GETTEXT | PLURAL | WITH_CONTEXT or (last in _TOOLS and name not in _SHOWN):
                    return True
            if isinstance(parent, ast.AnnAssign) and child is parent.annotation:
                return True
            if isinstance(parent, ast.Compare):
                return True
        return False

    def _is_api(self) -> bool:
        return self.name.endswith(("/api.py", "serializers.py", "_api.py"))

    def _is_phase(self, node: ast.expr) -> bool:
        parent = self.parents.get(node)
        if isinstance(parent, ast.keyword) and parent.arg == "reason":
            return True
        if isinstance(parent, ast.Call) and node in parent.args[:1]:
            return called(parent).rpartition(".")[2] in _PHASES
        if isinstance(parent, ast.Tuple):
            above = self.parents.get(parent)
            return isinstance(above, ast.Assign) and ast.unparse(above.targets[0]) == "PHASES"
        return False

    def _is_choice_of_words(self, node: ast.expr) -> bool:
        """Whether a longer text chooses it or another: ``{"read" if … else "written"}``."""
        parent = self.parents.get(node)
        inside = self.parents.get(parent)
        return (
            isinstance(parent, ast.IfExp)
            and node is not parent.test
            and isinstance(inside, ast.FormattedValue)
        )


def called(node: ast.Call) -> str:
    """The name of what is called, such as ``messages.info``."""
    return ast.unparse(node.func)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _has_text(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and (_has_text(node.left) or _has_text(node.right))
    return isinstance(node, ast.JoinedStr) or _is_text(node)


def as_pattern(node: ast.expr) -> str:
    """A literal, an f-string or a sum of them as one text with named places."""
    taken: dict[str, int] = {}

    def place(expression: ast.expr) -> str:
        name = _place_name(expression)
        taken[name] = taken.get(name, 0) + 1
        return "{%s}" % (name if taken[name] == 1 else f"{name}{taken[name]}")

    def walk(part: ast.expr) -> str:
        if _is_text(part):
            return part.value
        if isinstance(part, ast.JoinedStr):
            return "".join(walk(value) for value in part.values)
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            return walk(part.left) + walk(part.right)
        return place(part.value if isinstance(part, ast.FormattedValue) else part)

    return walk(node)


def _place_name(node: ast.expr) -> str:
    """A name for what an f-string puts in: a variable's, an attribute's, the first argument's."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        key = node.slice
        return key.value if _is_text(key) and key.value.isidentifier() else _place_name(node.value)
    if isinstance(node, ast.IfExp):
        words = [branch.value for branch in (node.body, node.orelse) if _is_text(branch)]
        return "plural" if len(words) == 2 and max(map(len, words)) <= 3 else "word"
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "total", "title", "get"):
            return _place_name(node.func.value)
        return _place_name(node.args[0]) if node.args else _place_name(node.func)
    return "value"


def of_configs() -> Iterator[Text]:
    """What the books in ``configs/`` say to people: titles, summaries, notes."""
    folder = Path(settings.CONFIGS_DIR)
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]):
        book = yaml.safe_load(path.read_text(encoding="utf-8"))
        place = path.relative_to(settings.BASE_DIR).as_posix()
        books = [book, *book.values()] if isinstance(book, dict) else []
        for one in (one for one in books if isinstance(one, dict)):
            for key in ("title", "summary", "notes"):
                if isinstance(one.get(key), str):
                    yield Text(one[key].strip(), place, CONTEXT)
