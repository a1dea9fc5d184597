"""From what a CRM or a process tool recorded to an event log."""

from __future__ import annotations

__all__: list[str] = []
