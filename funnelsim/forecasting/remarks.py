"""What had to be done to a history before it could be forecast, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from funnelsim.figures.wording import Wording

__all__ = ["SENTENCES", "Remark"]

SENTENCES: Final[Mapping[str, str]] = {
    "cut": "Periods that the data holds only in part, left out: {n}.",
    "open": "Periods not over when the data was taken, left out: {n}.",
    "gaps": "Periods missing, filled in from their neighbours and the season: {n}.",
    "wild": "Outliers, pulled in to what their neighbours allow: {n} (the first {day}, {value}).",
    "copies": "Rows that are exact copies of others, counted once: {n}.",
    "negative": "Values below zero, kept as they are: {n}.",
    "summed": "Rows added up into longer periods: {n}.",
    "events": "Rows counted as single events, periods without any as zero: {n}.",
    "latest": "The log keeps no earlier states: at each cutoff its counts are cut off there.",
    "fresh": "Series too young at a cutoff, left out there: {n}.",
    "late": "Series that begin later than the others, forecast from there: {n}.",
    "calendar": "Series adjusted for working days: {n} of {of}.",
    "covariates": "Series that follow the covariates given: {n} of {of}.",
}
"""What is said, by kind; counts stand behind a colon, so that no language needs plurals."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was done to a history.

    Parameters
    ----------
    kind : str
        One of `SENTENCES`.
    told : mapping
        What the sentence tells: numbers and dates.

    Examples
    --------
    >>> print(Remark("gaps", {"n": 1200}))
    Periods missing, filled in from their neighbours and the season: 1,200.
    """

    kind: str
    told: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence()

    def sentence(self, wording: Wording | None = None) -> str:
        """The remark in the reader's language.

        Parameters
        ----------
        wording : Wording, optional
            English if left out.

        Returns
        -------
        str
        """
        known = wording or Wording()
        words = {name: _written(value, known) for name, value in self.told.items()}
        return known.text(SENTENCES[self.kind]).format(**words)


def _written(value: object, wording: Wording) -> str:
    if isinstance(value, date):
        return wording.day(value)
    return wording.number(value, 1) if isinstance(value, (int, float)) else str(value)
