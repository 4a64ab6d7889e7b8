"""The house's plan: layers without circles. The layers stand in ``pyproject.toml`` and fail ``make lint``."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
LONGEST_FILE, USUAL_FILE = 400, 300  # lines
LONGEST_FUNCTION, USUAL_FUNCTION, MEDIAN_FUNCTION = 60, 30, 10


@pytest.fixture(scope="module")
def graph():
    """Every import of the portal and the worker programs, those inside functions and for types included."""
    return grimp.build_graph("portal", "workers", cache_dir=None)


def layers() -> list[set[str]]:
    """The packages and modules of each layer, from the top."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    lines = next(one["layers"] for one in linter["contracts"] if one["id"] == "layers")
    return [set(line.split(" | ")) for line in lines]


def circles(graph) -> list[set[str]]:
    """Sets of two or more modules that import each other, directly or through others (Tarjan)."""
    order, low, stack, found = {}, {}, [], []

    def visit(module):
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(graph.find_modules_directly_imported_by(module)):
            if other not in order:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], order[other])
        if low[module] == order[module]:
            circle = set()
            while module not in circle:
                circle.add(stack.pop())
            if len(circle) > 1:
                found.append(circle)

    for module in sorted(graph.modules):
        if module not in order:
            visit(module)
    return found


def test_no_files_import_each_other(graph):
    sys.setrecursionlimit(10_000)
    assert circles(graph) == []


def test_every_part_of_the_portal_has_its_layer(graph):
    known = set().union(*layers())
    assert graph.find_children("portal") == known


def test_no_part_of_the_portal_imports_one_above_it_or_beside_it(graph):
    """The modules beside the apps, such as the Celery application, count as well."""
    depth = {part: number for number, line in enumerate(layers()) for part in line}
    found = [
        f"{one} -> {other}"
        for one in sorted(graph.modules)
        for other in sorted(graph.find_modules_directly_imported_by(one))
        if (first := part_of(one)) in depth and (second := part_of(other)) in depth
        if first != second and depth[first] >= depth[second]
    ]
    assert found == []


def part_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_no_template_includes_one_of_a_layer_above():
    depth = {part: number for number, line in enumerate(layers()) for part in line}
    found = []
    for path in (ROOT / "portal").glob("*/templates/**/*.*"):
        own = f"portal.{path.relative_to(ROOT / 'portal').parts[0]}"
        text = path.read_text(encoding="utf-8")
        for folder in re.findall(r'{% (?:include|extends) "(\w+)/', text):
            other = f"portal.{folder}"
            if other != own and depth[own] >= depth[other]:
                found.append(f"{path.name} of {own} takes one of {other}")
    assert found == []


def test_an_import_against_the_layers_fails_the_lint(tmp_path):
    """A copy of the project in which ``teams`` imports ``jobs`` inside a function."""
    for name in ("portal", "workers"):
        for path in (ROOT / name).rglob("*.py"):
            if ".venv" in path.parts or ".suite" in path.parts:
                continue
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    assert lint(tmp_path).returncode == 0
    planted = tmp_path / "portal/teams/quotas.py"
    planted.write_text(
        planted.read_text() + "\n\ndef planted():\n    from portal.jobs import scheduler  # noqa\n"
    )
    answer = lint(tmp_path)
    assert answer.returncode != 0 and "portal.teams.quotas -> portal.jobs.scheduler" in answer.stdout


def lint(folder: Path) -> subprocess.CompletedProcess:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=300)


def sources() -> dict[str, str]:
    """The text of each Python file of ours by its path: portal, worker programs and tests."""
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for name in ("portal", "workers", "tests", "configs")
        for path in (ROOT / name).rglob("*.py")
        if not {".venv", ".suite", "migrations"} & set(path.parts)
    }


def test_no_file_is_longer_than_400_lines_and_most_are_under_300():
    lengths = {path: len(text.splitlines()) for path, text in sources().items()}
    assert not {path: count for path, count in lengths.items() if count > LONGEST_FILE}
    assert sum(count < USUAL_FILE for count in lengths.values()) >= 0.9 * len(lengths)


def test_no_function_is_longer_than_60_lines_and_most_are_short():
    functions = {
        f"{path}:{node.name}": node.end_lineno - node.lineno + 1
        for path, text in sources().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    lengths = list(functions.values())
    assert not {name: count for name, count in functions.items() if count > LONGEST_FUNCTION}
    assert statistics.median(lengths) < MEDIAN_FUNCTION
    assert statistics.quantiles(lengths, n=10)[-1] < USUAL_FUNCTION
