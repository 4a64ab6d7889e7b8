"""Readers of dataset formats, one module per format; README.md has a table of what each understands."""

from __future__ import annotations

from .formats import FORMATS, LAYOUTS
from .judge import judge
from .listing import CLASSIFICATION, DETECTION, Listing, Sample
from .options import ReadingOptions
from .reading import Judgement, Reading

__all__ = [
    "CLASSIFICATION", "DETECTION", "FORMATS", "LAYOUTS", "Judgement", "Listing", "Reading", "ReadingOptions",
    "Sample", "judge",
]  # fmt: skip
