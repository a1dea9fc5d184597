"""When a conversion, a delay or a definition changed."""

from __future__ import annotations

__all__: list[str] = []
