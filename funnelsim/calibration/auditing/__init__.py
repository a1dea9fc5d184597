"""What is wrong with an export, and what it is still good for."""

from __future__ import annotations

__all__: list[str] = []
