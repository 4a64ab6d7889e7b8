"""Rejects invalid files in ``configs/``, as a system check and at the start of every process."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.checks import Error

from portal.core import configs


def check_configs(**kwargs) -> list[Error]:
    """The system check of ``manage.py``: one error per sentence. Reads the files again."""
    try:
        configs.read_folder(Path(settings.CONFIGS_DIR))
    except configs.ConfigError as error:
        return [Error(sentence, id="core.E001") for sentence in error.sentences]
    return []


def refuse_wrong_configs() -> None:
    """Exit with only the sentences. Web servers and workers run no system checks."""
    try:
        configs.chips()
    except configs.ConfigError as error:
        raise SystemExit(str(error)) from None
