"""The client is another program: it needs the portal's address and nothing of its code."""

import subprocess
import sys
import tomllib

from django.conf import settings

LOADED = """
import sys
import portal.cli.main
mine = ("portal", "portal.cli")
for name in sorted(sys.modules):
    top = name.partition(".")[0]
    ours = top == "portal" and not (name in mine or name.startswith("portal.cli."))
    if ours or top in ("django", "rest_framework", "celery", "workers"):
        print(name)
"""


def test_it_loads_neither_django_nor_the_portals_apps():
    said = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert said.stdout == ""


def test_its_lint_rules_ban_every_app_of_the_portal():
    rules = tomllib.loads((settings.BASE_DIR / "portal/cli/ruff.toml").read_text(encoding="utf-8"))
    banned = rules["lint"]["flake8-tidy-imports"]["banned-api"]
    folders = [path.parent.name for path in settings.BASE_DIR.glob("portal/*/__init__.py")]
    assert [name for name in folders if name != "cli" and f"portal.{name}" not in banned] == []
    assert [name for name in banned if name.startswith("portal.") and not _exists(name)] == []


def _exists(module: str) -> bool:
    path = settings.BASE_DIR / module.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def test_the_readme_names_every_command_and_exit_code():
    from portal.cli.errors import EXIT_CODES
    from portal.cli.main import slipway

    readme = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
    section = readme.split("## The command line")[1].split("\n## ")[0]
    names = []
    for name, command in slipway.commands.items():
        names += [f"{name} {inner}" for inner in getattr(command, "commands", {})] or [name]
    assert [name for name in names if f"slipway {name}" not in section] == []
    assert [code for code in EXIT_CODES if f"| `{code}` |" not in section] == []


def test_it_says_its_version():
    argv = [sys.executable, "-m", "portal.cli", "--version"]
    said = subprocess.run(argv, cwd=settings.BASE_DIR, capture_output=True, text=True)
    assert said.returncode == 0 and said.stdout.startswith("slipway 0.")
