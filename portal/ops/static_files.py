"""Hashed and compressed static files, built once when the web server starts.

Pages use hashed file names, so browsers cache them for years. Where nothing was built, as in the tests, pages
use the plain names. WhiteNoise serves the files.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)
NOT_OURS = ["rest_framework"]  # pages of a framework that are not used


class QuickCompressor(Compressor):
    """Brotli at a quality that takes a twentieth of the maximum's time for a tenth more bytes."""

    @staticmethod
    def compress_brotli(data):
        import brotli  # WhiteNoise requires it only where it is installed

        return brotli.compress(data, quality=9)


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Also rewrites module imports in scripts to hashed names."""

    support_js_module_import_aggregation = True

    def create_compressor(self, **kwargs):
        return QuickCompressor(**kwargs)

    def stored_name(self, name):
        return super().stored_name(name) if self.hashed_files else name


def make() -> None:
    """Build ``STATIC_ROOT``, unless it is up to date.

    One process builds while the others wait. If it cannot, the plain files are served.
    """
    root = Path(settings.STATIC_ROOT)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with open(root.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made, today = root / "made-from", _digest()
            if not made.exists() or made.read_text() != today:
                call_command(
                    "collectstatic", ignore_patterns=NOT_OURS, clear=True, interactive=False, verbosity=0
                )
                made.write_text(today)
    except OSError as error:
        logger.warning("Static files are served uncompressed, because %s cannot be written: %s", root, error)


def _digest() -> str:
    """A hash of the names and contents of all static files, and of this module."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for finder in get_finders():
        for name, storage in finder.list(NOT_OURS):
            digest.update(f"{name}\0".encode())
            with storage.open(name) as file:
                digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()
