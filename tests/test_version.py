import tomllib
from pathlib import Path

from portal.version import VERSION


def test_code_and_project_name_the_same_version():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
