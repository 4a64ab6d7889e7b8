"""Programs that use a compiled model on a board, with its input size, channel order and labels filled in.

Each template beside this file is named after task, driver and language: ``classification_rknnlite.py.txt``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from string import Template

from portal.core import configs
from portal.models.file_names import rknn_name
from portal.models.models import CompiledModel

FOLDER = Path(__file__).parent
LANGUAGES = {"py": "Python", "cpp": "C++"}
TO_RGB = "[:, :, ::-1]"


@dataclass(frozen=True)
class Program:
    """``board`` is the title of the kind of board."""

    board: str
    language: str
    file_name: str
    text: str


def programs(compiled: CompiledModel) -> list[Program]:
    """One per driver and language of this chip's boards; none if no board runs the model."""
    found = {}
    for profile in configs.boards().values():
        fits = (profile.chip, profile.channel_order) == (compiled.chip, compiled.channel_order)
        if fits and not profile.virtual and compiled.model.runs_with(profile.driver):
            for ending in LANGUAGES:
                path = FOLDER / f"{compiled.model.task}_{profile.driver}.{ending}.txt"
                if path.exists():
                    found[path.name] = _program(compiled, profile.title, path, ending)
    return list(found.values())


def _program(compiled: CompiledModel, board: str, path: Path, ending: str) -> Program:
    labels = compiled.model.class_names
    width, height = compiled.model.facts["input_size"]
    name = f"{compiled.model.task_class.program_name}.{ending}"
    # As JSON, names are valid literals in both Python and C++.
    texts = [json.dumps(label, ensure_ascii=False) for label in labels]
    text = Template(path.read_text(encoding="utf-8")).substitute(
        script=name,
        model=json.dumps(rknn_name(compiled), ensure_ascii=False),
        labels="[" + ", ".join(texts) + "]",
        labels_cpp="{" + ", ".join(texts) + "}",
        order=compiled.channel_order.upper(),
        score=compiled.model.shown_from,
        width=width,
        height=height,
        to_channel_order=TO_RGB if compiled.channel_order == "rgb" else "",
    )
    return Program(board, LANGUAGES[ending], name, text)
