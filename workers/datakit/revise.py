"""The revise program: ``python -m workers.datakit.revise <job folder>``.

It makes a new version out of an earlier one and a list of changes (see ``changes.py``), and speaks the
contract of ``workers/README.md`` as the ingest program does. Inputs: ``base`` (path of the earlier version's
index). Parameters: ``changes`` (a list of [kind, payload]), ``layout`` and ``split`` (of the base).
Artifacts: ``index.sqlite`` and ``report.json``. No image is read or stored: the new index points into the
packs of the old one.
"""

from __future__ import annotations

import json
import shutil
import sys
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

from workers import contract
from workers.contract.messages import msg
from workers.contract.splits import TEST, TRAIN

from . import classes, diffing
from .assemble import assemble
from .changes import ANEW, ONLY_TEST, EditedImage, Plan
from .errors import InputError, full_disk_is_input_error
from .findings import Findings
from .index import Filter, ImageRow, Index
from .marks import CORRECTED, PROPOSED, mark
from .options import GIVEN
from .split import Shares, check_share, draw_from_training, draw_split

NEW_SHARES = Shares(0.2)  # of images that were given a class, as for an upload


def main(folder: contract.JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Make one version and return the result's fields; on any failure, leave no artifacts behind."""
    try:
        with full_disk_is_input_error():
            return _revise(folder, Path(spec["inputs"]["base"]), spec["params"])
    except BaseException:
        shutil.rmtree(folder.artifacts, ignore_errors=True)
        raise


def _revise(folder: contract.JobFolder, base: Path, params: dict[str, Any]) -> dict[str, Any]:
    target = folder.artifacts / "index.sqlite"
    folder.phase(msg("checking"))
    with Index(base) as before:
        plan = Plan(before.class_names, [(kind, payload) for kind, payload in params["changes"]])
        images = _changed(before, plan)
        _split(images, plan)
        _draw_labelled(before, images, plan, params["split"])
        _check(images, plan.class_names(), before.has_boxes)
        folder.phase(msg("writing"))
        result = assemble(images, plan.class_names(), before.task, target, Findings())
        with Index(target) as after:
            diff = diffing.counts(before, after)
    drawing = plan.resplit or {}
    result |= {
        "layout": params["layout"],
        "split": params["split"] if drawing.get("how") in (None, ONLY_TEST) else drawing["how"],
        "split_group": drawing.get("pattern"),
        "packs": [],
        "diff": diff,
    }
    (folder.artifacts / "report.json").write_text(
        json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    print(f"{result['images']} images: {', '.join(f'{count} {kind}' for kind, count in diff.items())}")
    return result


def _changed(before: Index, plan: Plan) -> list[ImageRow]:
    """The remaining images, with the classes and ids of the new version."""
    new_ids, proposed_ids = plan.new_ids(), plan.new_ids_of_proposed()
    images = []
    for row in before.all():
        now = plan.now(row)
        if not now.removed:
            images.append(_final_row(now, new_ids))
            _keep_proposed(now, proposed_ids)
    if not images:
        raise InputError(msg("No image would be left: keep some."))
    return images


def _final_row(now: EditedImage, new_ids: dict[int, int]) -> ImageRow:
    row = now.row
    row.split = now.split
    _mark_proposed(now)
    if row.boxes is None:
        row.class_id = None if now.class_id is None else new_ids[now.class_id]
        return row
    kept = [(new_ids[box.class_id], *box.place) for box in now.boxes if not box.removed]
    # Equal boxes become one box; as in an upload, they are sorted.
    row.boxes = array("d", [value for box in sorted(set(kept)) for value in box])
    return row


def _mark_proposed(now: EditedImage) -> None:
    """Record that a model proposed the labels of an image. An earlier version's mark stays while it is
    true.
    """
    marks = now.row.marks
    by = now.accepted.by if now.accepted else marks.get(PROPOSED) or marks.get(CORRECTED)
    if by is None or not (now.accepted or now.boxes_changed or now.is_relabelled):
        return
    for code in (PROPOSED, CORRECTED):
        marks.pop(code, None)
    if now.accepted:
        mark(now.row, CORRECTED if now.accepted.corrected else PROPOSED, by)
    elif now.row.boxes is not None:
        mark(now.row, CORRECTED, by)


def _keep_proposed(now: EditedImage, new_ids: dict[int, int]) -> None:
    """Keep what a model proposed for the image as long as a mark says that its labels come from that."""
    row = now.row
    proposed = now.accepted.proposed if now.accepted else row.proposed
    is_told = PROPOSED in row.marks or CORRECTED in row.marks
    row.proposed = proposed.renumbered(new_ids) if proposed and is_told else None


def _split(images: list[ImageRow], plan: Plan) -> None:
    """Draw the split of images that are to be split again; the others were moved after that."""
    if plan.resplit is None:
        return
    drawing = plan.resplit
    if drawing["how"] == ONLY_TEST:
        return _draw_test(images, drawing)
    moved = [(image, image.split) for image in images if image.split != ANEW]
    shares = Shares.checked(drawing["val_fraction"], drawing.get("test_fraction"))
    draw_split(images, shares, drawing["seed"], drawing.get("pattern"))
    for image, side in moved:
        image.split = side


def _draw_test(images: list[ImageRow], drawing: dict[str, Any]) -> None:
    """Draw a test split from the training images."""
    training = [image for image in images if image.split == ANEW]
    for image in training:
        image.split = TRAIN
    draw_from_training(training, TEST, check_share(msg("test"), drawing["test_fraction"]), drawing["seed"])


def _draw_labelled(before: Index, images: list[ImageRow], plan: Plan, how: str) -> None:
    """Draw the split of the images that got their first class: until then, all of them were for training.

    Those that the upload or a person assigned to another split stay there.
    """
    if before.has_boxes or plan.resplit is not None or how == GIVEN:
        return
    waited = set(before.ids(Filter(unlabelled=True)))
    new = [image for image in images if image.id in waited and image.split == TRAIN]
    draw_split([image for image in new if not image.is_unlabelled], NEW_SHARES, seed=0)


def _check(images: list[ImageRow], class_names: list[str], has_boxes: bool) -> None:
    """Reject a version that could not be trained on or measured, as for an upload."""
    if has_boxes or not classes.are_labelled(images):
        return
    classes.check_class_sizes(class_names, images, Counter())
    classes.check_given_split(class_names, images)


if __name__ == "__main__":
    sys.exit(contract.run(main))
