"""Why an image, or a set of them, is refused."""

from __future__ import annotations

from workers.contract import InputError


class CaptureRefused(InputError):
    """The text is a sentence for a person; ``field`` is the invalid field, or empty."""

    def __init__(self, sentence: str, field: str = ""):
        super().__init__(sentence)
        self.field = field
