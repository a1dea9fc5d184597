"""From raw rows to a valid event log, every repair listed."""

from __future__ import annotations

__all__: list[str] = []
