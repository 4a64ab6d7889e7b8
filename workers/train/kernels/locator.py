"""Where Numba stores compiled kernels, below ``NUMBA_CACHE_DIR``."""

from __future__ import annotations

from pathlib import Path

from numba.core.caching import UserProvidedCacheLocator


class ByContent(UserProvidedCacheLocator):
    """Identifies compiled code by the name and the content of its source.

    Numba's own locator adds the path of the source, so that every checkout, and every job with links of its
    own, would compile everything again.
    """

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        return Path(py_file).parent.name
