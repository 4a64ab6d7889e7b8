"""The suites' base configurations, one folder each, and how YAML is read and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def load_yaml(path: Path) -> Any:
    # Imported here because the portal's tests use the pure functions of this program without PyYAML.
    import yaml

    return yaml.safe_load(path.read_text(encoding="utf-8"))


def write_yaml(path: Path, content: Any) -> None:
    import yaml

    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
