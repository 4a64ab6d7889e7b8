"""Finds the regular expressions of our code, and makes texts that would hang a bad one.

Each repeat of an expression is fed with what it repeats, many times over, after what must come before it and
before something that does not fit: that is what makes a backtracking matcher try every way.
"""

from __future__ import annotations

import ast
import importlib
import re
import re._constants as codes
import re._parser as parser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

CALLS = ("compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer")
ENDS = ("", "\0", "!", "\n", " x")
REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


@dataclass(frozen=True)
class Expression:
    """One expression of our code; ``place`` is its file and line."""

    place: str
    pattern: str | bytes
    flags: int

    def compiled(self) -> re.Pattern:
        return re.compile(self.pattern, self.flags)


def of_our_code() -> Iterator[Expression]:
    """Every expression that is given to ``re`` in portal/ and workers/."""
    root = Path(settings.BASE_DIR)
    for path in sorted([*root.glob("portal/**/*.py"), *root.glob("workers/**/*.py")]):
        parts = path.relative_to(root).parts
        if "migrations" in parts or any(part.startswith(".") for part in parts):  # .venv, .suite
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if _is_call(node)]
        names = _names(path, root) if calls else {}
        for call in calls:
            yield from _expressions(call, names, f"{'/'.join(parts)}:{call.lineno}")


def _is_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CALLS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
    )


def _names(path: Path, root: Path) -> dict:
    """What the expressions of a file may refer to; nothing where a file needs an environment of its own."""
    module = ".".join(path.relative_to(root).with_suffix("").parts)
    try:
        return vars(importlib.import_module(module)) | {"re": re}
    except ImportError:
        return {"re": re}


def _expressions(call: ast.Call, names: dict, place: str) -> Iterator[Expression]:
    flags = [word.value for word in call.keywords if word.arg == "flags"]
    if call.func.attr == "compile":
        flags += call.args[1:2]
    flag = int(_value(flags[0], names)) if flags else 0
    try:
        patterns = [_value(call.args[0], names)]
    except NameError:  # it comes from a table of the file
        patterns = [row[0] for table in names.values() if isinstance(table, tuple | list) for row in table]
        assert patterns, f"{place}: write the expression where the tests can find it"
    for pattern in patterns:
        yield Expression(place, pattern, flag)


def _value(node: ast.expr, names: dict):
    return eval(compile(ast.Expression(node), "expression", "eval"), dict(names))


def hostile_texts(expression: Expression, length: int) -> Iterator[str | bytes]:
    """Texts of about ``length`` characters, for each repeat of the expression and each end."""
    tree = parser.parse(expression.pattern, expression.flags)
    pumps = {("", "a"), ("", " "), *_pumps(list(tree), "")}
    for before, repeated in sorted(pumps):
        body = before + repeated * (length // max(1, len(repeated)))
        for end in ENDS:
            text = body + end
            yield text.encode("latin-1", "replace") if isinstance(expression.pattern, bytes) else text


def _pumps(tokens: list, before: str) -> Iterator[tuple[str, str]]:
    """What comes before each repeat, and what it repeats."""
    for number, (code, value) in enumerate(tokens):
        for inner in _parts(code, value):
            yield from _pumps(list(inner), before)
        if code in REPEATS and value[1] > 20:
            once = _sample(list(value[2])) or "a"
            yield before, once
            yield before, once + _sample(tokens[number + 1 : number + 4])
            yield "", before + once
        before += _sample([(code, value)])


def _parts(code, value) -> list:
    if code in REPEATS:
        return [value[2]]
    if code is codes.SUBPATTERN:
        return [value[3]]
    if code is codes.BRANCH:
        return value[1]
    return [value[1]] if code in (codes.ASSERT, codes.ASSERT_NOT) else []


def _sample(tokens: list) -> str:
    """A short text that these tokens match."""
    return "".join(_letter(code, value) for code, value in tokens)


def _letter(code, value) -> str:
    if code is codes.LITERAL:
        return chr(value)
    if code is codes.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if code is codes.ANY:
        return "a"
    if code is codes.IN:
        return _one_of(value)
    if code in REPEATS:
        return _sample(list(value[2])) * max(1, value[0])
    if code is codes.SUBPATTERN:
        return _sample(list(value[3]))
    if code is codes.BRANCH:
        return _sample(list(value[1][0]))
    return ""


def _one_of(members: list) -> str:
    kinds = {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "a"}
    if members[0][0] is codes.NEGATE:
        fits = re.compile(f"[^{''.join(_in_class(*member) for member in members[1:])}]")
        return next(letter for letter in "a1 -/\x00é" if fits.match(letter))
    code, value = members[0]
    if code is codes.RANGE:
        return chr(value[0])
    return kinds.get(value, "-") if code is codes.CATEGORY else chr(value)


def _in_class(code, value) -> str:
    kinds = {
        codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_SPACE: r"\s", codes.CATEGORY_WORD: r"\w",
        codes.CATEGORY_NOT_SPACE: r"\S", codes.CATEGORY_NOT_WORD: r"\W", codes.CATEGORY_NOT_DIGIT: r"\D",
    }  # fmt: skip
    if code is codes.CATEGORY:
        return kinds[value]
    if code is codes.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    return re.escape(chr(value))
