"""Why a change cannot be made to a draft."""

from __future__ import annotations

from django.utils.translation import gettext as _


class ChangeRefused(Exception):
    """A change cannot be made. ``field`` is the part of the payload that is wrong, or empty."""

    def __init__(self, sentence: str, field: str = ""):
        super().__init__(sentence)
        self.field = field


class BoxesDiffer(ChangeRefused):
    """The image has other boxes than the change was made for; ``boxes`` are those that stand."""

    def __init__(self, boxes: list[list[float]]):
        super().__init__(
            _("The boxes of this image were changed in another window meanwhile: look at them first."),
            "expected",
        )
        self.boxes = boxes
