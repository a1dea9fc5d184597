"""What comes from outside: how many leads, when, worth what, in which luck."""

from __future__ import annotations

__all__: list[str] = []
