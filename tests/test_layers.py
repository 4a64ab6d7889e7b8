"""The house's plan: layers without circles. The layers stand in ``pyproject.toml`` and fail ``make lint``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
LONGEST = 400


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("portal", "workers", cache_dir=None)


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
        planted.read_text() + "\n\ndef planted():\n    from portal.jobs import turns  # noqa\n"
    )
    answer = lint(tmp_path)
    assert answer.returncode != 0 and "portal.teams.quotas -> portal.jobs.turns" in answer.stdout


def lint(folder: Path) -> subprocess.CompletedProcess:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=300)


def test_no_file_is_longer_than_400_lines_and_most_are_under_300():
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for name in ("portal", "workers")
        for path in (ROOT / name).rglob("*.py")
        if not {".venv", ".suite", "migrations"} & set(path.parts)
    }
    assert not {str(path): count for path, count in lengths.items() if count > LONGEST}
    assert sum(count <= 300 for count in lengths.values()) >= 0.9 * len(lengths)
