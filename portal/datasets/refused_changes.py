"""Why a change to a draft is refused."""

from __future__ import annotations

from django.utils.translation import gettext as _


class ChangeRefused(Exception):
    """The change is not possible. ``field`` is the invalid key of the payload, or empty."""

    def __init__(self, sentence: str, field: str = ""):
        super().__init__(sentence)
        self.field = field


class BoxesDiffer(ChangeRefused):
    """The image has other boxes than the change expected; ``boxes`` are the current ones."""

    def __init__(self, boxes: list[list[float]]):
        super().__init__(
            _("The boxes of this image were changed in another window meanwhile: look at them first."),
            "expected",
        )
        self.boxes = boxes
