"""Who works when, how long a piece of work takes, how many there are."""

from __future__ import annotations

__all__: list[str] = []
