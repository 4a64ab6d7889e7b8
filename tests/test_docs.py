"""The docs name everything that can be set, chosen or run."""

import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from portal import env
from portal.jobs import kinds
from portal.notify.events import WEBHOOK_EVENTS

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text(encoding="utf-8")
READS = re.compile(r'env\.(?:text|boolean|integer|names|networks|pairs|path|executable)\(\s*"([A-Z0-9_]+)"')


def test_every_setting_stands_in_the_readme():
    read = {
        name for path in (ROOT / "portal").rglob("*.py") for name in READS.findall(path.read_text("utf-8"))
    }
    assert len(read) > 20
    assert sorted(name for name in read | {"DATABASE_URL"} if f"`{name}`" not in README) == []


def test_the_readme_names_no_setting_that_nothing_reads():
    table = README.split("## Settings")[1].split("\n## ")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row)}
    code = "".join(path.read_text("utf-8") for path in (ROOT / "portal").rglob("*.py"))
    assert sorted(name for name in named - {"DATABASE_URL"} if f'"{name}"' not in code) == []


def test_every_kind_of_job_stands_in_the_map_of_the_portal():
    text = (ROOT / "portal" / "README.md").read_text(encoding="utf-8")
    assert [kind.name for kind in kinds.all_kinds() if f"`{kind.name}`" not in text] == []


def test_every_file_in_configs_is_yaml_with_its_own_name_and_a_title():
    for folder in ("models", "chips", "boards"):
        for path in sorted((ROOT / "configs" / folder).glob("*.yaml")):
            book = yaml.safe_load(path.read_text(encoding="utf-8"))
            assert book["name"] == path.stem, path
            assert book["title"], path


def test_a_wrong_setting_is_refused_with_a_sentence(monkeypatch):
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("DEBUG", "perhaps")
    for call, sentence in (
        (lambda: env.integer("PORT", 8000), "PORT must be a whole number, not 'eighty'."),
        (lambda: env.boolean("DEBUG", False), "DEBUG must be yes or no, not 'perhaps'."),
    ):
        with pytest.raises(env.SettingError, match=re.escape(sentence)):
            call()


DOCUMENTS = [
    "README.md", "portal/README.md", "portal/client/README.md",
    ".github/CONTRIBUTING.md", ".github/SECURITY.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "workers").glob("*/README.md")),
    "workers/README.md", "workers/datakit/readers/README.md", "configs/chips/README.md",
    "configs/containers/README.md",
]  # fmt: skip
PATH = re.compile(r"`([\w./-]+/[\w.-]+\.(?:py|md|yaml|yml|js|po|txt|html|toml))`")
# Paths on a board, in a job folder or in an installation, not in the repository.
ELSEWHERE = ("var/", "sim/", "golden/", "scratch/", "releases/", "demo/")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    bases = (ROOT, (ROOT / name).parent, ROOT / "portal")
    missing = [
        path
        for path in PATH.findall(text)
        if not path.startswith(ELSEWHERE) and not any((base / path).is_file() for base in bases)
    ]
    assert missing == []


def test_every_app_stands_in_the_map_of_the_portal():
    table = (ROOT / "portal" / "README.md").read_text(encoding="utf-8").split("\n## ")[0]
    apps = [path.parent.name for path in sorted((ROOT / "portal").glob("*/__init__.py"))]
    assert len(apps) > 10
    assert [app for app in apps if f"`{app}`" not in table] == []


def test_every_event_of_webhooks_stands_in_the_readme():
    table = README.split("## Notices and webhooks")[1].split("\n## ")[0]
    assert len(WEBHOOK_EVENTS) > 4
    assert [name for name in WEBHOOK_EVENTS if f"`{name}`" not in table] == []


def test_each_walk_passes_through_at_most_twelve_modules():
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    walks = text.split("## The walks")[1].split("\n## ")[0].split("\n### ")[1:]
    passed = [re.findall(r"^\d+\. `([\w/]+\.py)`", walk, re.MULTILINE) for walk in walks]
    assert [len(modules) for modules in passed] == [12, 12]
    assert all(len(set(modules)) == len(modules) for modules in passed)
