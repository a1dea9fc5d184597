"""How many examples the costly properties get in the full profile; the smoke profile is smaller.

All Hypothesis tests together stay within about ten minutes of one processor (docs/evidence.md
has the costs), and those whose examples cost next to nothing search farther.
"""

from __future__ import annotations

from hypothesis import settings

__all__ = ["costly"]

COSTLY = 50

costly = settings(max_examples=min(COSTLY, settings().max_examples))
"""Decorates a property whose examples take a tenth of a second or more."""
