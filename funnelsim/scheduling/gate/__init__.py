"""The publish gate: a report goes out only if everything about it can be believed."""

from __future__ import annotations

from funnelsim.scheduling.gate.judging import verdict

__all__ = ["verdict"]
