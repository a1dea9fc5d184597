"""What the publish gate says of a draft."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PASSED", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a draft may be published, and if not, why.

    Parameters
    ----------
    passed : bool
    causes : tuple of str
        One sentence each, for the person who gets the FAILED mail; empty when passed.

    Examples
    --------
    >>> Verdict(False, ("The data ends 5 d before the slot; the job allows 2 d.",)).passed
    False
    """

    passed: bool
    causes: tuple[str, ...] = ()


PASSED = Verdict(passed=True)
