"""What the check program made of an upload, held against what its author meant."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import traceback
from collections import defaultdict
from pathlib import Path
from typing import Any

from workers.contract import InputError, JobFolder
from workers.contract.messages import from_json
from workers.datakit import ingest
from workers.datakit.index import ImageRow, Index

from .upload import Upload

READY, ASKED, REFUSED, CRASHED = "ready", "asked", "refused", "crashed"
# In pixels: layouts round places, some to hundredths of the image.
TOLERANCE = 1.0
_WITH_LABELS = (".csv", ".tsv", ".json", ".jsonl", ".xml", ".labels", ".lst", ".txt", ".xlsx", ".tfrecord")
_OF_NO_LABELS = ("readme", "license", "requirements", "notes", "sample", "package", "labels.txt", "classes")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How the check ended; ``sentence`` says why it asked, refused or crashed."""

    state: str
    sentence: str = ""
    result: dict[str, Any] = dataclasses.field(default_factory=dict)
    images: list[ImageRow] = dataclasses.field(default_factory=list)


def checked(upload: Upload, folder: Path, **params: Any) -> Outcome:
    """Run the check program on the upload, in a folder that does not exist yet."""
    folder.mkdir()
    (folder / "upload.bin").write_bytes(upload.packed())
    job = folder / "job"
    job.mkdir()
    given = {"filename": f"{upload.name}.{upload.archive}", "pack_key": "bench", "val_fraction": 0.2}
    spec = {"schema": 1, "kind": "ingest", "inputs": {"archive": str(folder / "upload.bin")}}
    spec["params"] = {**given, "seed": 0, "limits": {}, "doubt": "wait", **params}
    (job / "spec.json").write_text(json.dumps(spec))
    try:
        made = JobFolder(job)
        with contextlib.redirect_stdout(io.StringIO()):  # what it logs
            result = ingest.main(made, made.spec())
        with Index(made.artifacts / "index.sqlite") as index:
            images = list(index.all())
    except InputError as error:
        return Outcome(REFUSED, str(error))
    except Exception:  # a crash is what the bench looks for
        return Outcome(CRASHED, traceback.format_exc(limit=-3))
    if result.get("certain", True):
        return Outcome(READY, "", result, images)
    return Outcome(ASKED, str(from_json(result["reading"]["question"])), result, images)


def verdict(upload: Upload, outcome: Outcome) -> tuple[str, list[str]]:
    """Return "right", "asked", "refused_rightly" or "wrong", with what is wrong.

    To ask or refuse is right where no reading is certain, and as good as reading where the author's truth
    stands in a form that need not be read; its sentence has to name one of the files with labels, if there
    are any. A refusal of what can be read counts as a question: nothing was learned wrongly, and somebody has
    to say more.
    """
    if outcome.state == CRASHED:
        return "wrong", [outcome.sentence]
    if outcome.state in (ASKED, REFUSED):
        hidden = _hidden(upload, outcome)
        return ("refused_rightly" if upload.must_not_be_ready or upload.may_refuse else "asked"), hidden
    if upload.must_not_be_ready:
        classes = ", ".join(outcome.result["class_names"][:6])
        return "wrong", [f"ready as {outcome.result['layout']} with the classes {classes}; nothing says so"]
    faults = faults_of(upload, outcome)
    return ("wrong" if faults else "right"), faults


def _hidden(upload: Upload, outcome: Outcome) -> list[str]:
    """Say so where the sentence keeps quiet about every file that holds labels."""
    files = {path.rpartition("/")[2] for path in upload.files if path.lower().endswith(_WITH_LABELS)}
    files = {name for name in files if not name.lower().startswith(_OF_NO_LABELS)}
    if not files or any(name in outcome.sentence for name in files):
        return []
    return [f"the sentence names none of the files with labels, as {min(files)}"]


def faults_of(upload: Upload, outcome: Outcome) -> list[str]:
    """Say where classes, labels, split or the number of images are not what the author meant."""
    sides = _sides(upload)
    wanted = {path for path in upload.boxes or upload.labels if path not in sides or sides[path]}
    faults = _class_faults(upload, outcome, wanted)
    for image in outcome.images:
        faults += _image_faults(upload, outcome, image, wanted)
        if image.original in sides and image.split not in _allowed(sides, image.original):
            faults.append(f"{image.original} is for {image.split}, not for {sides[image.original]}")
    given = outcome.result["split"] == "given"
    if given != bool(sides) and not upload.any_split:
        faults.append(
            f"the split is {outcome.result['split']}, and the author gave {'one' if sides else 'none'}"
        )
    return faults + _lost(upload, outcome, wanted - upload.optional)


def _sides(upload: Upload) -> dict[str, str | None]:
    """Where each image belongs: "train", "val" or "test". Nothing, where the author gave no whole split."""
    named = set(upload.splits.values())
    needed = set(upload.boxes or upload.labels) - upload.optional
    if upload.any_split or len(named) < 2 or "train" not in named or not needed <= set(upload.splits):
        return {}
    return dict(upload.splits)


def _allowed(sides: dict[str, str | None], path: str) -> set[str | None]:
    """The splits that an image may be in: a validation set that is missing is drawn from training images."""
    drawn = sides[path] == "train" and "val" not in sides.values()
    return {"train", "val"} if drawn else {sides[path]}


def _class_faults(upload: Upload, outcome: Outcome, wanted: set[str]) -> list[str]:
    names = outcome.result["class_names"]
    if upload.boxes:
        meant = {box[0] for path in wanted for box in upload.boxes[path]}
    else:
        meant = {upload.labels[path] for path in wanted - upload.optional}
    known = meant | {upload.aliases[name] for name in meant if name in upload.aliases}
    strange = [name for name in names if name not in known]
    if strange or len(names) != len(meant):
        return [f"the classes are {names[:8]}, not {sorted(meant)[:8]}"]
    return []


def _image_faults(upload: Upload, outcome: Outcome, image: ImageRow, wanted: set[str]) -> list[str]:
    path, names = image.original, outcome.result["class_names"]
    if upload.boxes:
        if path not in upload.boxes:
            return [f"{path} has no box by its author and was taken"]
        found = [(names[int(box[0])], *box[1:]) for box in image.box_rows()]
        return [] if same_boxes(found, upload.boxes[path]) else [f"{path}: {found}, not {upload.boxes[path]}"]
    if path not in wanted:
        return [f"{path} has no label by its author and was taken"]
    if image.class_id is None:
        return [f"{path} has boxes and no class"]
    name, meant = names[image.class_id], upload.labels[path]
    return [] if name in (meant, upload.aliases.get(meant)) else [f"{path} is {name}, not {meant}"]


def same_boxes(found: list[tuple[Any, ...]], meant: list[tuple[Any, ...]]) -> bool:
    """Say whether the boxes are the same ones, in any order; a copy of a box on itself may be dropped."""
    if len(found) > len(meant) or not found and meant:
        return False
    return all(any(_same(box, other) for other in found) for box in meant) and all(
        any(_same(box, other) for other in meant) for box in found
    )


def _same(box: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    pairs = zip(box[1:], other[1:], strict=True)
    return box[0] == other[0] and all(abs(a - b) <= TOLERANCE for a, b in pairs)


def _lost(upload: Upload, outcome: Outcome, wanted: set[str]) -> list[str]:
    """Name labelled images that are in the version under no path; copies stand for each other."""
    places = defaultdict(set)
    for path, content in upload.files.items():
        places[hashlib.sha256(content).digest()].add(path)
    taken = {image.original for image in outcome.images}
    lost = [path for path in wanted if not places[hashlib.sha256(upload.files[path]).digest()] & taken]
    return [f"{len(lost)} labelled images are not in it, as {min(lost)}"] if lost else []
