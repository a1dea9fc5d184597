"""How differences of measures are written: more deals, hours, points, money."""

from __future__ import annotations

from collections.abc import Iterable

from funnelsim.figures.wording import NO_VALUE, SECONDS, Wording, duration_unit

__all__ = ["Scale"]


class Scale:
    r"""Writes the values of a measure and their differences, all in one unit.

    Parameters
    ----------
    unit : str
        ``share`` (differences in points), ``s``, ``minor`` (of ``currency``), or a count.
    wording : Wording
    sizes : iterable of float
        The differences to be written; the largest settles the unit of durations.
    currency : str
        ISO code.

    Examples
    --------
    >>> scale = Scale("s", Wording(), [5400, -3600])
    >>> scale.gap(-3600), scale.value(86400 * 3)
    ('−60\xa0min', '3\xa0d')
    >>> Scale("share", Wording(), [0.031]).gap(0.031)
    '3.1\xa0points'
    """

    def __init__(
        self, unit: str, wording: Wording, sizes: Iterable[float], currency: str = ""
    ) -> None:
        self.unit, self.wording, self.currency = unit, wording, currency
        known = [abs(size) for size in sizes if size == size]  # noqa: PLR0124 - not NaN
        self.time = duration_unit(max(known, default=0.0))
        self.spelled = unit == "s"
        """Whether a difference needs its unit to be understood."""

    def value(self, value: float) -> str:
        """Write a value of the measure."""
        if value != value:  # noqa: PLR0124 - NaN
            return NO_VALUE
        if self.unit == "share":
            return self.wording.share(value)
        if self.unit == "s":
            return self.wording.duration(value)
        if self.unit == "minor":
            return self._money(value)
        return self.wording.figure(value)

    def gap(self, gap: float) -> str:
        """Write a difference with its unit."""
        if self.unit == "share":
            return (
                self.wording.text("{number} points")
                .format(number=self.bare(gap))
                .replace(" ", "\xa0")
            )
        if self.unit == "s":
            return self.wording.duration(gap, self.time)
        if self.unit == "minor":
            return self._money(gap)
        return self.bare(gap)

    def bare(self, gap: float) -> str:
        """Write a difference without its unit, beside one that has it."""
        if self.unit == "share":
            return self.wording.figure(100 * gap)
        if self.unit == "s":
            return self.wording.figure(gap / SECONDS[self.time])
        if self.unit == "minor":
            return self._money(gap).replace(self.currency, "").strip()
        return self.wording.figure(gap)

    def _money(self, minor: float) -> str:
        from babel.numbers import get_currency_precision

        digits = get_currency_precision(self.currency) if self.currency else 2
        return f"{self.wording.short(minor / 10**digits)} {self.currency}".strip().replace(
            " ", "\xa0"
        )
