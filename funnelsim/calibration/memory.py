"""Memory: what large tables leave behind when they are done with goes back to the system."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["give_back"]


def give_back() -> None:
    """Return memory that is free but still held.

    Reading a large export takes a chain of tables, each gone when the next one stands; their
    memory stays with the allocators of Arrow and of C, scattered, and is little use to the next.

    Examples
    --------
    >>> give_back()
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)
