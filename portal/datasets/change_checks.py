"""Validates a change to a draft, and returns what to store of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from portal.datasets.box_checks import boxes_of, image_now
from portal.datasets.refused_changes import ChangeRefused
from workers.contract import InputError
from workers.contract.messages import msg
from workers.contract.splits import SPLITS
from workers.datakit import names, tasks
from workers.datakit.changes import KINDS, ONLY_TEST, Plan, as_images, wanted_images
from workers.datakit.grouping import pattern_of
from workers.datakit.index import Filter, Index
from workers.datakit.split import check_share

DRAWINGS = ("stratified", "group", ONLY_TEST)
USUAL_TEST = 0.1  # of the training images
MAX_IDS = 10_000  # in one change; use a filter for more


Checked = tuple[dict[str, Any], int | None]


def checked(kind: str, payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    """Return what to store of a change to the base ``index`` after ``plan``, and how many images it names.

    Raises ChangeRefused. The number is None if the change goes by class or affects the whole version.
    """
    if kind not in KINDS:
        raise ChangeRefused(
            _("There is no change called %(kind)s: use %(kinds)s.")
            % {"kind": kind, "kinds": ", ".join(KINDS)},
            "kind",
        )
    return _CHECKS[kind](payload, index, plan)


def _relabel(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    images, count = _images(payload, index)
    clean = {"images": images, "class_id": _class(payload, "class_id", plan)}
    if index.has_boxes and payload.get("from") is not None:
        clean["from"] = _class(payload, "from", plan)
    return clean, count


def _split(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    if payload.get("split") not in SPLITS:
        raise ChangeRefused(_("Say which split: train, val or test."), "split")
    images, count = _images(payload, index)
    return {"images": images, "split": payload["split"]}, count


def _some_images(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    images, count = _images(payload, index)
    return {"images": images}, count


def _rename(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    class_id = _class(payload, "class_id", plan)
    others = [other for number, other in enumerate(plan.names) if other and number != class_id]
    name, same = _new_name(payload, others)
    if same is not None:
        raise ChangeRefused(
            _("There is a class %(name)s already: merge the two instead of giving both one name.")
            % {"name": same},
            "name",
        )
    return {"class_id": class_id, "name": name}, None


def _add_class(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    if not index.has_boxes and not index.count(Filter(unlabelled=True)):
        raise ChangeRefused(
            _("Every image has a class, so a new one would be empty: upload images of it."), "name"
        )
    name, same = _new_name(payload, plan.class_names())
    if same is not None:
        raise ChangeRefused(_("There is a class %(name)s already.") % {"name": same}, "name")
    return {"name": name}, None


def _new_name(payload: dict[str, Any], others: list[str]) -> tuple[str, str | None]:
    """A typed class name, and the one of ``others`` that counts as equal."""
    try:
        name = names.check_class_name(str(payload.get("name") or "").strip())
    except InputError as error:
        raise ChangeRefused(str(error), "name") from error
    same = (other for other in others if names.class_key(other) == names.class_key(name))
    return name, next(same, None)


def _merge(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    class_id, into = _class(payload, "class_id", plan), _class(payload, "into", plan)
    if class_id == into:
        raise ChangeRefused(_("A class cannot be merged into itself: choose two classes."), "into")
    _leave_enough(index, plan)
    return {"class_id": class_id, "into": into}, None


def _drop(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    class_id = _class(payload, "class_id", plan)
    _leave_enough(index, plan)
    return {"class_id": class_id}, None


def _leave_enough(index: Index, plan: Plan) -> None:
    least = tasks.get(index.task).least_classes
    if len(plan.class_names()) <= least:
        raise ChangeRefused(
            _("Too few classes would be left: at least %(least)d must stay.") % {"least": least}, "class_id"
        )


def _resplit(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    clean: dict[str, Any] = {"how": payload.get("how", "stratified")}
    if clean["how"] not in DRAWINGS:
        raise ChangeRefused(
            _("A split is drawn in one of these ways: %(ways)s.") % {"ways": ", ".join(DRAWINGS)}, "how"
        )
    if clean["how"] == ONLY_TEST:
        _refuse_test_of_a_drawing(plan)
        share = payload.get("test_fraction") or USUAL_TEST
        clean["test_fraction"] = _share({"test_fraction": share}, "test_fraction", msg("test"))
    else:
        clean |= _shares(payload)
    seed = payload.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise ChangeRefused(_("The seed must be a whole number, 0 or more."), "seed")
    clean["seed"] = seed
    if clean["how"] == "group":
        clean["pattern"] = _pattern(payload.get("pattern"))
    return clean, None


def _refuse_test_of_a_drawing(plan: Plan) -> None:
    if plan.resplit and plan.resplit["how"] != ONLY_TEST:
        raise ChangeRefused(
            _("The whole split is drawn anew already: undo that, or draw it with a share for the test."),
            "how",
        )


def _shares(payload: dict[str, Any]) -> dict[str, float]:
    shares = {"val_fraction": _share(payload, "val_fraction", msg("validation"), 0.2)}
    if payload.get("test_fraction"):
        shares["test_fraction"] = _share(payload, "test_fraction", msg("test"))
    return shares


def _share(payload: dict[str, Any], name: str, called: str, default: float | None = None) -> float:
    try:
        return check_share(called, payload.get(name, default))
    except InputError as error:
        raise ChangeRefused(str(error), name) from error


def _pattern(pattern: Any) -> str:
    if not _is_text(pattern) or not pattern:
        raise ChangeRefused(_("Write the pattern that finds an image's group in its path."), "pattern")
    try:
        pattern_of(pattern)
    except InputError as error:
        raise ChangeRefused(str(error), "pattern") from error
    return pattern


def _one_box(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    now = image_now(payload, index, plan, "box")
    box = payload.get("box")
    if not _is_id(box, least=0) or box >= len(now.boxes):
        raise ChangeRefused(_("There is no such box on this image."), "box")
    return {"image": now.row.id, "box": box}, 1


def _boxes(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    return boxes_of(payload, index, plan), 1


def _accept(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    """The labels come from ``proposals``; those with a class that no longer exists are dropped."""
    labels = {image: _with_class(label, plan) for image, label in payload["labels"].items()}
    left = {image: label for image, label in labels.items() if label is not None}
    if not left:
        raise ChangeRefused(_("The classes that were proposed are gone: propose labels again."), "images")
    return {**payload, "labels": left}, len(left)


def _with_class(label: Any, plan: Plan) -> Any:
    if isinstance(label, list):
        return [box for box in label if plan.names[int(box[0])] is not None] or None
    return label if plan.names[label] is not None else None


def _relabel_box(payload: dict[str, Any], index: Index, plan: Plan) -> Checked:
    clean, count = _one_box(payload, index, plan)
    return {**clean, "class_id": _class(payload, "class_id", plan)}, count


def _class(payload: dict[str, Any], key: str, plan: Plan) -> int:
    class_id = payload.get(key)
    if not _is_id(class_id, least=0) or class_id >= len(plan.names) or plan.names[class_id] is None:
        raise ChangeRefused(_("Choose one of the classes that are there."), key)
    return class_id


def _is_id(value: Any, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**31


def _images(payload: dict[str, Any], index: Index) -> tuple[dict[str, Any], int]:
    """The images as they are stored, and their current number."""
    given = payload.get("images")
    given = given if isinstance(given, dict) else {}
    if isinstance(given.get("filter"), dict):
        wanted = checked_filter(given["filter"], index)
        images, count = as_images(wanted), index.count(wanted)
    else:
        images = {"ids": _ids(given.get("ids"))}
        count = index.count(wanted_images(images))
        if count < len(images["ids"]):
            raise ChangeRefused(_("Some of these images are not in this version."), "images")
    if not count:
        raise ChangeRefused(_("Choose at least one image first."), "images")
    return images, count


def _ids(given: Any) -> list[int]:
    if not isinstance(given, list) or not all(map(_is_id, given)):
        raise ChangeRefused(_("Choose at least one image first."), "images")
    if len(given) > MAX_IDS:
        raise ChangeRefused(
            _("At most %(most)d images can be named in one change: use a filter for more.")
            % {"most": MAX_IDS},
            "images",
        )
    return sorted(set(given))


def checked_filter(given: dict[str, Any], index: Index) -> Filter:
    """A filter of the base from its fields; raises ChangeRefused for an invalid one."""
    class_id, split = given.get("class_id"), given.get("split")
    if class_id is not None and not (_is_id(class_id, least=0) and class_id < len(index.class_names)):
        raise ChangeRefused(_("There is no such class in this version."), "class_id")
    if split is not None and split not in SPLITS:
        raise ChangeRefused(_("Say which split: train, val or test."), "split")
    mark, text = given.get("mark"), given.get("text") or ""
    if not (mark is None or _is_text(mark)) or not _is_text(text):
        raise ChangeRefused(_("The finding and the text of a filter are texts."), "images")
    unlabelled = given.get("unlabelled") is True
    return Filter(class_id=class_id, split=split, mark=mark, text=text, unlabelled=unlabelled)


def _is_text(value: Any) -> bool:
    """Text that every database accepts: JSON can hold lone surrogates and NUL."""
    return isinstance(value, str) and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value)


_CHECKS: dict[str, Callable[[dict[str, Any], Index, Plan], Checked]] = {
    "relabel": _relabel,
    "split": _split,
    "remove": _some_images,
    "keep": _some_images,
    "rename": _rename,
    "merge": _merge,
    "drop": _drop,
    "resplit": _resplit,
    "relabel-box": _relabel_box,
    "remove-box": _one_box,
    "boxes": _boxes,
    "add-class": _add_class,
    "accept": _accept,
    "reject": _some_images,
}
