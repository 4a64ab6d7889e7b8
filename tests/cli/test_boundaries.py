"""The client is another program: it needs the portal's address and nothing of its code."""

import os
import subprocess
import sys

import click
import pytest
from django.conf import settings
from slipway.cli.main import main, slipway
from slipway.cli.numbers import Number, Whole
from slipway.errors import EXIT_CODES

from tests.cli.conftest import CLIENT

LOADED = """
import sys
import slipway.cli.main
for name in sorted(sys.modules):
    if name.partition(".")[0] in ("portal", "workers", "django", "rest_framework", "celery"):
        print(name)
"""
# The library's own modules, and what of others they may load.
LOADED_BY_THE_LIBRARY = """
import sys
import slipway
print(sorted({"click", "rich"} & set(sys.modules)))
"""


def said(*words) -> str:
    environment = {**os.environ, "PYTHONPATH": str(CLIENT)}
    argv = [sys.executable, *words]
    done = subprocess.run(argv, cwd=CLIENT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_it_loads_neither_django_nor_the_portals_apps():
    assert said("-c", LOADED) == ""


def test_the_library_needs_nothing_of_the_command_line():
    assert said("-c", LOADED_BY_THE_LIBRARY) == "[]\n"


def test_the_readme_names_every_command_and_exit_code():
    readme = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
    section = readme.split("## The command line")[1].split("\n## ")[0]
    names = []
    for name, command in slipway.commands.items():
        names += [f"{name} {inner}" for inner in getattr(command, "commands", {})] or [name]
    assert [name for name in names if f"slipway {name}" not in section] == []
    assert [code for code in EXIT_CODES if f"| `{code}` |" not in section] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("rollout start 3 --hours 9999", "'--hours': give a whole number of hours, 1 to 2160."),
        ("rollout start 3 --at-once many", "'--at-once': give a whole number of boards, 1 to 50."),
        ("parity 3 --fail-under 95", "'--fail-under': give a number, 0 to 1."),
        ("jobs --limit -1", "'--limit': give a whole number of rows, 0 or more."),
    ],
)
def test_a_wrong_number_is_answered_with_its_bounds_and_unit(capsys, words, sentence):
    assert main(words.split()) == 2
    assert capsys.readouterr().err.rstrip().endswith(sentence)


def test_no_command_has_a_bound_in_the_frameworks_words():
    def ranges(group):
        for command in group.commands.values():
            if isinstance(command, click.Group):
                yield from ranges(command)
            yield from ((command.name, one.name, one.type) for one in command.params)

    kinds = (click.IntRange, click.FloatRange)
    found = [one for one in ranges(slipway) if isinstance(one[2], kinds)]
    assert len(found) > 40 and [one for one in found if not isinstance(one[2], Whole | Number)] == []


def test_it_says_its_version():
    assert said("-m", "slipway", "--version").startswith("slipway 0.")
