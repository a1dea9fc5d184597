"""What happens in a stage: how long leads stay, and where they go."""

from __future__ import annotations

__all__: list[str] = []
