"""Compiling with numba, and keeping what was compiled.

Compiled code is kept in the user's cache folder under a name made of the engine's own source,
so that no other version of funnelsim ever finds it. Where nothing can be written (a read-only
install without a home), it is compiled again in every process.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numba

__all__ = ["compiled", "kept"]

SOURCES = ("distributions.py", "streams.py", "worktime.py", "engine")


@cache
def folder() -> Path | None:
    """Where compiled code is kept; None where nothing can be written."""
    home = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        place = (Path(home) if home else Path.home() / ".cache") / "funnelsim" / _version()
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return place
    except (OSError, RuntimeError):  # read-only, full, or no home at all
        return None


def _version() -> str:
    """A hash of all source that compiled code is made of."""
    root = Path(__file__).parents[1]
    whole = hashlib.sha256(numba.__version__.encode())
    for name in SOURCES:
        place = root / name
        for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def kept() -> bool:
    """Whether compiled code of this version lies ready."""
    place = folder()
    return place is not None and any(place.rglob("*.nbc"))


def compiled(function: Callable[..., Any] | None = None, *, allocates: bool = False) -> Any:  # noqa: ANN401 - numba's dispatchers have no type
    """Compile when first called; no fast-math, for results are to be equal bit by bit.

    The lock of Python is released meanwhile, so that threads run side by side. What makes no
    arrays needs no counting of references to them either, which would take longer than the
    work itself (measured: 3.3 µs a lead with it, of which 2.4 for the counting).
    """
    if function is None:
        return partial(compiled, allocates=allocates)
    place = folder()
    config: Any = numba.config
    njit: Any = numba.njit  # _nrt is no part of its stubs
    before, config.CACHE_DIR = config.CACHE_DIR, str(place or "")
    try:
        return njit(
            function,
            nogil=True,
            cache=place is not None,
            error_model="numpy",
            _nrt=allocates,
        )
    finally:
        config.CACHE_DIR = before
