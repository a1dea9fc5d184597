"""Numbers, durations, dates and names as a language writes them.

Pictures, tables and sentences share one :class:`Wording`, so that a figure and
the paragraph beside it never disagree about a comma.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, Self

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, get_day_names
from babel.numbers import format_compact_decimal, format_decimal, parse_pattern

from funnelsim.errors import ParameterError, Problem

__all__ = ["NO_VALUE", "Wording", "Written", "duration_unit"]

NO_VALUE: Final = "–"
NBSP: Final = "\u00a0"
SECONDS: Final[Mapping[str, float]] = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
# From this many seconds on, a duration reads better in the next unit.
UNIT_FROM: Final[Mapping[str, float]] = {"d": 2 * 86400.0, "h": 2 * 3600.0, "min": 120.0, "s": 0.0}
MILLION: Final = 1e6
COMPACT_FROM: Final = 10 * MILLION
WHOLE_FROM: Final = 100  # smaller amounts are told with their cents
SHORT_FROM: Final = 10_000  # amounts of money from here on are told in thousands or millions
# A bare language means its home country; English days come before months.
HOME: Final[Mapping[str, str]] = {"en": "en_GB"}


def duration_unit(seconds: float) -> str:
    """Choose the unit a person would use for a duration.

    Parameters
    ----------
    seconds : float
        The duration, or the largest one of a table or axis; seconds, ≥ 0.

    Returns
    -------
    str
        ``"s"``, ``"min"``, ``"h"`` or ``"d"``.

    Examples
    --------
    >>> [duration_unit(s) for s in (45, 600, 5 * 3600, 30 * 86400)]
    ['s', 'min', 'h', 'd']
    """
    return next((unit for unit, start in UNIT_FROM.items() if seconds >= start), "s")


class Written(str):
    """A number as a reader writes it, that still knows its value.

    Parameters
    ----------
    text : str
        As it is read.
    value : float
        In full precision, in the form's unit.
    form : str
        ``number``, ``share`` (0 to 1), a unit of time (``s``, ``min``, ``h``, ``d``), a currency.

    Examples
    --------
    >>> half = Wording().share(0.5037)
    >>> half, half.value, half.form
    ('50%', 0.5037, 'share')
    """

    __slots__ = ("form", "value")
    value: float
    form: str

    def __new__(cls, text: str, value: float, form: str) -> Self:
        """Attach the value to the text."""
        made = super().__new__(cls, text)
        made.value, made.form = float(value), form
        return made

    def __getnewargs__(self) -> tuple[str, float, str]:  # type: ignore[override]
        """What a copy is made of."""
        return str(self), self.value, self.form


@dataclass(frozen=True, slots=True)
class Wording:
    r"""How one reader's language writes what a picture or table shows.

    Parameters
    ----------
    labels : mapping of str to str
        Names of stages, teams and reasons by id; an id without one is shown as it is.
    lang : str
        Language of numbers and dates, for example ``"uk"`` or ``"nl"``.
    text : callable
        Translates the few words of a picture (``gettext``); English if left out.

    Examples
    --------
    >>> uk = Wording({"offer": "Пропозиція"}, lang="uk")
    >>> uk.label("offer"), uk.number(-1234.5, digits=1), uk.share(0.0345)
    ('Пропозиція', '−1\xa0234,5', '3,5%')
    >>> Wording().duration(5400), Wording().duration(302400)
    ('90\xa0min', '3.5\xa0d')
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    lang: str = "en"
    text: Callable[[str], str] = str

    @property
    def locale(self) -> Locale:
        """The Babel locale of the language."""
        try:
            return Locale.parse(HOME.get(self.lang, self.lang))
        except (UnknownLocaleError, ValueError) as error:
            fix = 'Write a code such as "en", "uk", "ru" or "nl"'
            raise ParameterError(Problem(f"lang={self.lang!r} is no language", fix=fix)) from error

    def label(self, item: object) -> str:
        """Return the name of a stage, team or reason; measures' own, such as (open), too."""
        known = {
            "(won)": self.text("Won"),
            "(lost)": self.text("Lost"),
            "(open)": self.text("Still open"),
            "(ended)": self.text("Ended"),
            "(none)": self.text("No reason given"),
            "": self.text("No reason given"),
        }
        written = str(item)
        return self.labels.get(written) or known.get(written, written)

    def number(self, value: float, digits: int = 0) -> Written:
        """Write a number with grouping and at most ``digits`` decimals; – for NaN."""
        if not math.isfinite(value):
            return Written(NO_VALUE, value, "number")
        if abs(value) >= COMPACT_FROM:
            return self.short(value)
        pattern = "#,##0" + ("." + "#" * digits if digits else "")
        rounded = round(value, digits) + 0.0  # no "−0"
        text = self._spaced(format_decimal(rounded, format=pattern, locale=self.locale))
        return Written(text, value, "number")

    def figure(self, value: float) -> Written:
        """Write a number with about two significant digits, for axes and small counts."""
        size = abs(value)
        digits = 0 if size >= 10 or size == 0 else 1 if size >= 1 else 2 if size >= 0.1 else 3  # noqa: PLR2004
        return self.number(value, digits)

    def short(self, value: float) -> Written:
        """Write a large number in words' short forms, for example ``1.5M``."""
        if abs(value) < MILLION:
            return self.number(value)
        text = format_compact_decimal(value, locale=self.locale, fraction_digits=1)
        return Written(self._spaced(text), value, "number")

    def money(self, minor: float, currency: str) -> Written:
        r"""Write an amount of minor units (cents), shortened from ten thousand on.

        Examples
        --------
        >>> Wording(lang="uk").money(75_801_700, "UAH"), Wording().money(1_190_000_000, "EUR")
        ('758\xa0тис.\xa0₴', '€11.9M')
        """
        from babel.numbers import (  # type: ignore[attr-defined]
            format_compact_currency,
            get_currency_precision,
        )

        if not math.isfinite(minor):
            return Written(NO_VALUE, minor, currency)
        amount = minor / 10 ** get_currency_precision(currency)
        if abs(amount) >= SHORT_FROM:
            shown, digits = _three_figures(amount)
            text = format_compact_currency(
                shown, currency, locale=self.locale, fraction_digits=digits
            )
        else:
            pattern = parse_pattern(self.locale.currency_formats["standard"].pattern)
            cents = (2, 2) if 0 < abs(amount) < WHOLE_FROM else (0, 0)
            pattern.frac_prec = cents if get_currency_precision(currency) else (0, 0)
            text = pattern.apply(amount, self.locale, currency=currency, currency_digits=False)
        # A space between a currency told by its code and the figures.
        sign = text[:1] if text[:1] in "-−" else ""
        figures = text.removeprefix(sign).removeprefix(currency)
        if sign + figures != text:
            text = f"{sign}{currency}{NBSP}{figures.lstrip()}"
        return Written(self._spaced(text), amount, currency)

    def bare_money(self, minor: float, currency: str) -> Written:
        """Write an amount without its currency, beside one that has it."""
        from babel.numbers import get_currency_precision

        amount = minor / 10 ** get_currency_precision(currency)
        if not math.isfinite(amount) or abs(amount) < SHORT_FROM:
            return self.number(amount)
        shown, digits = _three_figures(amount)
        text = format_compact_decimal(shown, locale=self.locale, fraction_digits=digits)
        return Written(self._spaced(text), amount, "number")

    def share(self, value: float) -> Written:
        """Write a share as per cent; never rounds a few up to none or to all."""
        return Written(self._share(value), value, "share")

    def shares(self, low: float, high: float) -> str:
        """Write an interval of shares, for example ``60–64 %``; empty when unknown.

        Ends that are written alike get a digit more, and are told as one if still alike.
        """
        if not (math.isfinite(low) and math.isfinite(high)):
            return ""
        sign = self._per_cent("")
        first, last = self._share(low), self._share(high)
        if first == last and first[0] not in "<>":
            first, last = (self._per_cent(self.number(100 * end, 1)) for end in (low, high))
        return last if first == last else f"{first.removesuffix(sign)}–{last}"

    def duration(self, seconds: float, unit: str | None = None) -> Written:
        """Write a duration in ``unit``, or in the one a person would use."""
        if not math.isfinite(seconds):
            return Written(NO_VALUE, seconds, unit or "s")
        if 0 < seconds < 1 and unit is None:
            return Written("<" + self.duration(1.0, "s"), seconds, "s")
        unit = unit or duration_unit(abs(seconds))
        amount = seconds / SECONDS[unit]
        number = self.number(amount, 1 if abs(amount) < 9.95 else 0)  # noqa: PLR2004
        return Written(self._unit(unit).format(number=number), amount, unit)

    def durations(self, low: float, high: float) -> str:
        """Write an interval of durations in one unit; empty when unknown."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return ""
        unit = duration_unit(high)
        digits = 1 if high / SECONDS[unit] < 9.95 else 0  # noqa: PLR2004
        return f"{self.number(low / SECONDS[unit], digits)}–{self.duration(high, unit)}"

    def day(self, at: date) -> str:
        """Write a day in full, for example ``3 жовтня 2011``."""
        return self._spaced(format_date(at, format="d MMMM y", locale=self.locale))

    def tick(self, at: date, skeleton: str) -> str:
        """Write a date for an axis by a CLDR skeleton such as ``MMMd`` or ``MMM``."""
        return self._spaced(format_skeleton(skeleton, at, locale=self.locale))

    def weekdays(self, width: Literal["abbreviated", "wide"] = "abbreviated") -> list[str]:
        """Return the names of the seven days, Monday first."""
        names = get_day_names(width, context="stand-alone", locale=self.locale)
        return [str(names[day]) for day in range(7)]

    def _share(self, value: float) -> str:
        """A share as text."""
        if not math.isfinite(value):
            return NO_VALUE
        per_cent = 100.0 * value
        if 0 < per_cent < 0.05:  # noqa: PLR2004
            return "<" + self._per_cent(self.number(0.1, 1))
        if 99.95 <= per_cent < 100:  # noqa: PLR2004
            return ">" + self._per_cent(self.number(99.9, 1))
        one_digit = 0 < abs(per_cent) < 9.95 or 99.5 <= per_cent < 100  # noqa: PLR2004
        return self._per_cent(self.number(per_cent, 1 if one_digit else 0))

    def _per_cent(self, number: str) -> str:
        """Set the per cent sign as the language does."""
        pattern = parse_pattern(self.locale.percent_formats[None])
        return number + self._spaced(pattern.suffix[0])

    def _unit(self, unit: str) -> str:
        """Return the pattern of a duration in a unit."""
        patterns = {
            "s": self.text("{number} s"),
            "min": self.text("{number} min"),
            "h": self.text("{number} h"),
            "d": self.text("{number} d"),
        }
        return patterns[unit].replace(" ", NBSP)

    @staticmethod
    def _spaced(written: str) -> str:
        """Use a true minus, and only the spaces that the house font has."""
        for narrow in ("\u202f", "\u2009"):
            written = written.replace(narrow, NBSP)
        return written.replace("-", "−") if written[:1] == "-" else written


def _three_figures(amount: float) -> tuple[float, int]:
    """An amount to be told in thousands or millions, and how many decimals it then has."""
    shown = float(f"{amount:.3g}")
    return shown, 0 if math.floor(math.log10(abs(shown))) % 3 == 2 else 1  # noqa: PLR2004
