"""Describes changes of a draft."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.datasets.draft_models import DraftChange
from workers.datakit.changes import ONLY_TEST, wanted_images
from workers.datakit.index import Filter


def split_label(split: str) -> str:
    """The label of a split; empty if it is not assigned yet."""
    return {"train": _("training"), "val": _("validation"), "test": _("test")}.get(split, "")


def sentence(change: DraftChange, class_names: list[str]) -> str:
    """What a change does; classes have their names in the base, see ``Plan.first_names``."""
    words = _Words(change, class_names)
    return getattr(words, change.kind.replace("-", "_"))()


class _Words:
    """One method per kind."""

    def __init__(self, change: DraftChange, class_names: list[str]):
        self.payload: dict[str, Any] = change.payload
        self.count = change.images or 0
        self.names = class_names

    def _class(self, key: str = "class_id") -> str:
        return self.names[self.payload[key]]

    def _images(self) -> str:
        """``3 images``, ``178 images (all of class 3)``."""
        images = ngettext("%(count)d image", "%(count)d images", self.count) % {"count": self.count}
        given = self.payload["images"]
        if "filter" not in given:
            return images
        return _("%(images)s (all with %(filter)s)") % {
            "images": images,
            "filter": filter_words(wanted_images(given), self.names),
        }

    def relabel(self) -> str:
        words = {"images": self._images(), "new": self._class()}
        if "from" in self.payload:
            words["old"] = self._class("from")
            return _("Boxes of %(old)s relabelled as %(new)s: %(images)s.") % words
        return _("Relabelled as %(new)s: %(images)s.") % words

    def split(self) -> str:
        words = {"images": self._images(), "side": split_label(self.payload["split"])}
        return _("Moved to %(side)s: %(images)s.") % words

    def remove(self) -> str:
        return _("Removed: %(images)s.") % {"images": self._images()}

    def keep(self) -> str:
        return _("Restored: %(images)s.") % {"images": self._images()}

    def rename(self) -> str:
        return _("The class %(old)s was renamed to %(new)s.") % {
            "old": self._class(),
            "new": self.payload["name"],
        }

    def merge(self) -> str:
        return _("The class %(old)s was merged into %(new)s.") % {
            "old": self._class(),
            "new": self._class("into"),
        }

    def drop(self) -> str:
        return _("The class %(old)s was removed with everything in it.") % {"old": self._class()}

    def resplit(self) -> str:
        if self.payload["how"] == ONLY_TEST:
            return _("A test split is drawn: %(test)d %% of the training images, seed %(seed)d.") % {
                "test": round(100 * self.payload["test_fraction"]),
                "seed": self.payload["seed"],
            }
        shares = {
            "val": round(100 * self.payload["val_fraction"]),
            "test": round(100 * self.payload.get("test_fraction", 0)),
        }
        if self.payload["how"] == "group":
            return _(
                "The split is drawn anew: %(val)d %% for validation, %(test)d %% for the test, by groups of "
                "%(pattern)s."
            ) % {**shares, "pattern": self.payload["pattern"]}
        return _(
            "The split is drawn anew: %(val)d %% of each class for validation, %(test)d %% for the test, "
            "seed %(seed)d."
        ) % {**shares, "seed": self.payload["seed"]}

    def relabel_box(self) -> str:
        return _("A box on image %(image)d becomes %(new)s.") % {
            "image": self.payload["image"],
            "new": self._class(),
        }

    def boxes(self) -> str:
        count, image = len(self.payload["boxes"]), {"image": self.payload["image"]}
        if not count:
            return _("Image %(image)d has no boxes.") % image
        words = ngettext("Image %(image)d has %(count)d box.", "Image %(image)d has %(count)d boxes.", count)
        return words % {"count": count, **image}

    def add_class(self) -> str:
        return _("The class %(name)s is added.") % {"name": self.payload["name"]}

    def accept(self) -> str:
        words = ngettext(
            "Labels proposed by %(by)s accepted: %(count)d image.",
            "Labels proposed by %(by)s accepted: %(count)d images.",
            self.count,
        )
        return words % {"by": self.payload["by"], "count": self.count}

    def reject(self) -> str:
        return _("Proposed labels rejected: %(images)s.") % {"images": self._images()}

    def remove_box(self) -> str:
        return _("A box on image %(image)d is removed.") % {"image": self.payload["image"]}


def filter_words(wanted: Filter, class_names: list[str]) -> str:
    """``class 3, validation, "blurred"``; words for no filter if it is empty."""
    parts = []
    if wanted.class_id is not None:
        parts.append(_("class %(name)s") % {"name": class_names[wanted.class_id]})
    if wanted.split is not None:
        parts.append(split_label(wanted.split))
    if wanted.mark is not None:
        parts.append(_("finding %(code)s") % {"code": wanted.mark})
    if wanted.unlabelled:
        parts.append(_("no label"))
    if wanted.text:
        parts.append(_("%(text)s in the path") % {"text": f"“{wanted.text}”"})
    return ", ".join(parts) or _("no filter")
