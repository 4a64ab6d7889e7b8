"""What people read is a message or a text of gettext, nowhere a plain text or an f-string.

An f-string has no id: it cannot be translated, and a name in it cannot be told from our words.
"""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from portal.ops import extraction

ROOT = Path(settings.BASE_DIR)
# Read at a terminal, in a log or in the description of the API: English, whoever reads it.
FOR_OPERATORS = (
    "portal/settings.py", "portal/env.py", "portal/secrets_file.py", "portal/tied.py", "portal/client/",
    "portal/ops/management/", "portal/ops/demo.py", "portal/ops/vendor.py", "portal/ops/supervision.py",
    "portal/ops/web.py", "portal/ops/ports.py", "portal/ops/backup/", "portal/ops/monitoring/",
    "portal/log_settings.py", "portal/core/configs/",
    "portal/core/checks.py", "portal/core/bucket.py", "portal/core/datalock.py", "portal/core/patience.py",
    "portal/models/checks.py", "portal/core/schema.py", "workers/virtual_board/", "workers/train/tools/",
    "workers/board/app/",
    "workers/train/check.py",
    "workers/convert/torch_stub/",
)  # fmt: skip
# Calls whose texts no page, mail or answer shows.
FOR_NOBODY = {
    "ValueError", "TypeError", "RuntimeError", "KeyError", "LookupError", "OSError", "AssertionError",
    "NotImplementedError", "EOFError", "FileNotFoundError", "ImportError", "ConnectionResetError",
    "LZMAError", "BadZipFile", "SettingError", "AppendOnly",
    "Late", "LDAPException", "RequestException", "_away",  # logged: people read another sentence
    "debug", "info", "warning", "error", "exception", "critical", "log", "note", "print", "compile",
    "extend_schema", "extend_schema_field", "inline_serializer", "OpenApiParameter", "OpenApiExample",
    "OpenApiResponse", "execute", "executescript", "add_argument",
}  # fmt: skip
SHOWN = {"messages.info", "messages.warning", "messages.error"}
KEYWORDS_FOR_NOBODY = {"help_text", "description", "default", "verbose_name", "summary"}
# Arguments that people read, by the name of what is called: phases of jobs, reasons, findings, errors.
ARGUMENTS = {
    "success": 1, "info": 1, "warning": 1, "error": 1, "phase": 0, "on_phase": 0, "say": 0, "move_to": 1,
    "problem": 1, "left_out": 1, "cannot_read": 1, "failed": 1, "add": 2,
}  # fmt: skip
KEYWORDS = {"detail", "reason", "problem", "notice", "question", "refusal"}
MARKS = extraction.GETTEXT | extraction.PLURAL | extraction.WITH_CONTEXT
EXCUSED = {
    # In the description of the API.
    "Where a page begins: stands in `next` and `previous`.", "Rows a page.",
    "By which field; `-` for the largest or newest first.", "What speaks for it.", "What speaks against it.",
    "The value where the metric is top-1, null otherwise.",
    "An API token, made on the page Team.",
    "The link, or its path.",
    # Parts of what paramiko says, and what a tool prints.
    ": it does not end", ": not in time", "Traceback (most recent call last):",
}  # fmt: skip
SENTENCE = re.compile(r"[A-Z{].*[a-z{}]{2,} .*[a-z{}]+ .*[.!?:]", re.S)
WORDS = re.compile(r"[A-Za-z]{2,}[,:;.]? \(?[A-Za-z{]|\} [a-z]{2}")
CODE = re.compile(r"^(CREATE|PRAGMA|INSERT|SELECT|default-src|import )|-src '|\bid IN \(")


def plain_sentences(source: str) -> list[str]:
    """The plain texts and f-strings of a module that people would read."""
    texts = [text for node in _shown_texts(ast.parse(source)) if (text := _text(node)) and _reads(node, text)]
    return [text for text in texts if text not in EXCUSED]


def _shown_texts(tree: ast.Module):
    """The texts of a module that stand where something for people may stand."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, known = waiting.pop()
        if isinstance(node, ast.Expr) and extraction.is_text(node.value):
            continue  # a docstring
        if isinstance(node, ast.Call) and _called(node) in MARKS:
            waiting += [(one, True) for one in [*node.args, *node.keywords] if not extraction.is_text(one)]
            continue
        if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Constant) and _text(node) is not None:
            node.shown = known
            yield node
            continue
        waiting += _children(node, known)


def _children(node: ast.AST, known: bool):
    if isinstance(node, ast.Call):
        name = _called(node)
        if name in FOR_NOBODY and ast.unparse(node.func) not in SHOWN:
            return
        place = ARGUMENTS.get(name, -1)
        yield from ((child, known or number == place) for number, child in enumerate(node.args))
        yield from ((one, known) for one in node.keywords)
        yield node.func, False
    elif isinstance(node, ast.keyword):
        if node.arg not in KEYWORDS_FOR_NOBODY:
            yield node.value, known or node.arg in KEYWORDS
    elif isinstance(node, ast.Raise):
        yield from ((child, True) for child in ast.iter_child_nodes(node) if child is not node.cause)
    elif isinstance(node, ast.Compare | ast.Subscript | ast.AnnAssign) and not getattr(node, "value", None):
        return
    else:
        yield from ((child, known) for child in ast.iter_child_nodes(node))


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _text(node: ast.AST) -> str | None:
    """A literal, an f-string or a sum of them as one text with ``{}`` for its places, or None."""
    if extraction.is_text(node):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if extraction.is_text(part) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else (left or "{}") + (right or "{}")
    return None


def _reads(node: ast.AST, text: str) -> bool:
    if CODE.search(text):
        return False
    known = getattr(node, "shown", True)
    return bool(WORDS.search(text)) if known else bool(SENTENCE.fullmatch(text.strip()))


@pytest.mark.parametrize(
    "line",
    [
        'raise InputError(f"{name} is gone.")',
        'raise InputError("Choose " + f"{count} images" + ".")',
        'raise PlanError({"chips": f"There is no chip {chip}."})',
        'messages.error(request, f"{name} is gone.")',
        'findings.add("warn", "bad", f"{count} images are small.", name)',
        'context.phase(f"copying {name}")',
        'audit.record("team.rename", team, detail=f"before: {before}")',
        'job.move_to(Status.FAILED, "worker lost")',
        'raise InputError(msg(f"{name} is gone."))',
        'raise InputError(msg("{what} is gone.", what=f"the file {name}"))',
        'def f():\n    return f"The file {name} is gone: send it again."',
        'BUSY = "The server is busy: wait a little."',
    ],
)
def test_a_plain_sentence_is_found(line):
    assert plain_sentences(line)


@pytest.mark.parametrize(
    "line",
    [
        'raise InputError(msg("{name} is gone.", name=name))',
        'raise ValueError(f"Kind {name} is unknown here.")',
        'logger.error("%s failed, and that was it.", job)',
        'def f():\n    """Nothing that people read."""',
        'field = CharField(help_text="The name of the thing.")',
        'title = _("Look at this first.")',
        'folder = f"versions/{pk}"',
    ],
)
def test_what_nobody_is_shown_is_let_through(line):
    assert plain_sentences(line) == []


def test_no_excuse_is_left_over():
    code = "".join(path.read_text(encoding="utf-8") for path in extraction.python_files())
    assert [text for text in EXCUSED if text not in code] == []


def test_no_plain_sentence_reaches_people():
    found = {}
    for path in extraction.python_files():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(FOR_OPERATORS) and (texts := plain_sentences(path.read_text("utf-8"))):
            found[name] = texts
    assert found == {}
