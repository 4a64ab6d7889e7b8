"""Images of a version for pages: with their boxes, and with a draft's changes."""

from __future__ import annotations

import dataclasses
import functools

from portal.datasets import proposals
from portal.datasets.change_texts import split_label
from portal.datasets.draft_models import Draft, Proposal
from workers.datakit import sources
from workers.datakit.changes import Box, EditedImage, Plan
from workers.datakit.index import Filter, ImageRow, Index
from workers.datakit.proposed import ACCEPTED, CORRECTED, OWN, Proposed

PAGE = 60
COLOURS = 8  # of boxes, see slipway.css
MOST_NAMED = 200  # boxes of an image with their names on it; with more, they are outlines only
# Images up to this many pixels on their longest side are enlarged with hard edges.
CRISP_PIXELS = 64
KEYS = 9


@dataclasses.dataclass(frozen=True, slots=True)
class GridBox:
    """A box in pixels of its image. ``was`` is the name of its class in the base, if it differs."""

    number: int
    x: float
    y: float
    width: float
    height: float
    name: str
    was: str
    class_id: int
    removed: bool

    @property
    def colour(self) -> int:
        return self.class_id % COLOURS


class GridImage:
    """One image on a page; ``proposal`` is a model's pending proposal."""

    def __init__(self, now: EditedImage, plan: Plan, proposal: Proposal | None = None):
        self.row: ImageRow = now.row
        self.now = now
        self.proposal = proposal
        self._plan, self._base_names = plan, plan.first_names
        self.boxes = [self._box(box) for box in now.boxes]
        places = proposal.label if proposal and isinstance(proposal.label, list) else []
        self.proposed_boxes = [
            GridBox(number, *place, self._name(int(class_id)), "", int(class_id), removed=False)
            for number, (class_id, *place) in enumerate(places)
        ]

    def _name(self, class_id: int) -> str:
        return self._plan.names[class_id] or self._base_names[class_id]

    def _box(self, box: Box) -> GridBox:
        was = "" if box.was in (None, box.class_id) else self._base_names[box.was]
        return GridBox(box.number, *box.place, self._name(box.class_id), was, box.class_id, box.removed)

    @property
    def label(self) -> str:
        """The class, or the classes of the boxes."""
        if self.now.class_id is not None:
            return self._name(self.now.class_id)
        return ", ".join(dict.fromkeys(box.name for box in self.boxes if not box.removed))

    @property
    def named_boxes(self) -> list[GridBox]:
        """The boxes to draw with their names; none if there are too many."""
        return [] if self.outlines else [box for box in self.boxes if not box.removed]

    @functools.cached_property
    def outlines(self) -> dict[int, str]:
        """The boxes as one SVG path for each colour, if there are too many to draw each with its name."""
        boxes = [box for box in self.boxes if not box.removed]
        paths: dict[int, list[str]] = {}
        for box in boxes if len(boxes) > MOST_NAMED else ():
            paths.setdefault(box.colour, []).append(
                f"M{box.x} {box.y}h{box.width}v{box.height}h{-box.width}z"
            )
        return {colour: "".join(parts) for colour, parts in sorted(paths.items())}

    @property
    def proposed_label(self) -> str:
        """As ``label``, for the proposal."""
        if self.proposal is None:
            return ""
        if isinstance(self.proposal.label, list):
            return ", ".join(dict.fromkeys(box.name for box in self.proposed_boxes))
        return self._name(self.proposal.label)

    @property
    def was(self) -> str:
        return "" if self.row.class_id in (None, self.now.class_id) else self._base_names[self.row.class_id]

    @property
    def proposed(self) -> Proposed | None:
        """What a model proposed, if a person made the labels of that."""
        if self.now.accepted:
            return self.now.accepted.proposed
        return None if self.now.is_relabelled else self.row.proposed

    @property
    def source(self) -> dict[str, str] | None:
        """The device, time and release of an image that came back from one."""
        return sources.of(self.row)

    @property
    def origins(self) -> dict[str, int] | None:
        """How many boxes are accepted, corrected and a person's own; None if no model's boxes are known."""
        if self.proposed is None or self.proposed.boxes is None:
            return None
        found = self.proposed.origins(self.now.box_rows())
        return {name or "own": found.count(name) for name in (ACCEPTED, CORRECTED, OWN)}

    @property
    def split(self) -> str:
        return split_label(self.now.split)

    @property
    def split_was(self) -> str:
        return split_label(self.row.split) if self.now.is_moved else ""

    @property
    def file_name(self) -> str:
        return file_name(self.row)

    @property
    def crisp(self) -> bool:
        return max(self.row.width, self.row.height) <= CRISP_PIXELS

    @property
    def font(self) -> float:
        """The font size on boxes in a small image, in pixels of the image."""
        return round(max(self.row.width, self.row.height) / 14, 2)

    @property
    def small_font(self) -> float:
        """The same in a large image."""
        return round(self.font / 2.5, 2)


def file_name(row: ImageRow) -> str:
    """The last component of its path in the upload."""
    return row.original.rpartition("/")[2]


@dataclasses.dataclass(frozen=True, slots=True)
class GridPage:
    """A page of a filtered grid; ``previous`` and ``next`` are values of ``after``, None at either end."""

    images: list[GridImage]
    total: int
    first: int  # position of the first one among the total, from 1; 0 on an empty page
    previous: int | None
    next: int | None
    waiting: int = 0  # images of the whole version with a proposal
    whole: int = 0  # all images of the version
    unlabelled: int = 0  # those of them without a class

    @property
    def labelled(self) -> int:
        return self.whole - self.unlabelled

    @property
    def last(self) -> int:
        return self.first + len(self.images) - 1 if self.images else 0


def page_of(index: Index, plan: Plan, wanted: Filter, after: int, draft: Draft | None = None) -> GridPage:
    """The images of ``wanted`` whose ids are above ``after``. Its cost does not depend on their number."""
    rows = index.page(wanted, after, PAGE + 1)
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    before = index.count_to(after, wanted) if after else 0
    waiting = proposals.waiting_of(draft, index, [row.id for row in rows])
    return GridPage(
        images=[GridImage(plan.now(row), plan, waiting.rows.get(row.id)) for row in rows],
        total=index.count(wanted),
        first=before + 1 if rows else 0,
        previous=index.page_before(rows[0].id, wanted, PAGE) if rows and before else None,
        next=rows[-1].id if more else None,
        waiting=len(waiting.ids),
        whole=index.count(),
        unlabelled=0 if index.has_boxes else len(proposals.unlabelled(draft, index)),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class ClassChoice:
    """A class that exists after a draft's changes; ``key`` is its keyboard shortcut, if it has one."""

    class_id: int
    name: str
    key: str


def class_choices(plan: Plan) -> list[ClassChoice]:
    """The classes to choose from. Up to nine get the keys 1 to 9; up to ten named by digits, their digit."""
    left = [(class_id, name) for class_id, name in enumerate(plan.names) if name is not None]
    digits = all(len(name) == 1 and name in "0123456789" for _, name in left)
    found = []
    for place, (class_id, name) in enumerate(left, start=1):
        key = name if digits else str(place) if len(left) <= KEYS else ""
        found.append(ClassChoice(class_id, name, key))
    return found
