"""The report's languages: translated sentences and localised numbers.

English sentences stand in the code; ``locales/<lang>.po`` holds their
translations, read at run time, so that a translator needs no tools but a text editor.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from funnelsim.documents import did_you_mean
from funnelsim.errors import ParameterError, Problem
from funnelsim.figures.wording import Wording, Written
from funnelsim.messages import Message

if TYPE_CHECKING:
    from gettext import NullTranslations

__all__ = ["LANGUAGES", "Texts", "texts"]

LANGUAGES: Mapping[str, str] = {"en": "en_GB", "uk": "uk_UA", "ru": "ru_RU", "nl": "nl_NL"}
LOCALES = Path(__file__).parent / "locales"


@dataclass(frozen=True)
class Texts:
    r"""Sentences and numbers in one language.

    Parameters
    ----------
    lang : str
        One of ``LANGUAGES``.
    catalogue : gettext.NullTranslations
        Where the translations come from.
    spoken : str
        The language of the sentences: English where there is no catalogue.

    Examples
    --------
    >>> texts("uk").number(7455)
    '7\xa0455'
    >>> texts("en").share(0.0312)
    '3.1%'
    >>> texts("en").money(1_190_000_000, "EUR")
    '€11.9M'
    """

    lang: str
    catalogue: NullTranslations
    spoken: str = "en"

    @property
    def locale(self) -> str:
        """The Babel locale, for example ``uk_UA``."""
        return LANGUAGES[self.lang]

    def _(self, message: str) -> str:
        """Translate a sentence; one without a translation stays English."""
        return self.catalogue.gettext(message)

    def n_(self, one: str, many: str, n: int) -> str:
        """Translate a sentence whose form hangs on the count `n`."""
        return self.catalogue.ngettext(one, many, n)

    def said(self, message: str) -> str:
        """Translate a sentence with its values filled in; a plain one as it stands."""
        if not isinstance(message, Message):
            return self._(message)
        fields = {key: self._value(value) for key, value in message.fields.items()}
        text = self._(message.template)
        return text.format(**fields) if fields else text

    def _value(self, value: object) -> str:
        """Write what is filled into a message."""
        if isinstance(value, Message):
            return self.said(value)
        if isinstance(value, int):
            return self.number(value)
        return self.share(value) if isinstance(value, float) else str(value)

    def label(self, labels: Mapping[str, str], otherwise: str) -> str:
        """Choose the label in this language, else English, else any, else the id."""
        for lang in (self.lang, "en"):
            if labels.get(lang):
                return labels[lang]
        return next((label for label in labels.values() if label), otherwise)

    def wording(self, labels: Mapping[str, str] | None = None) -> Wording:
        """How pictures write in this language, with the names of stages and teams."""
        return Wording(labels or {}, lang=self.locale, text=self._)

    def number(self, value: float, digits: int = 0) -> Written:
        """Write a number with at most `digits` decimals."""
        return self.wording().number(value, digits)

    def figure(self, value: float) -> Written:
        """Write a number with about two significant digits."""
        return self.wording().figure(value)

    def share(self, value: float) -> Written:
        """Write a share (0.25) as per cent (25 %)."""
        return self.wording().share(value)

    def shares(self, low: float, high: float) -> str:
        """Write an interval of shares; empty when unknown."""
        return self.wording().shares(low, high)

    def bare_share(self, value: float) -> Written:
        """Write a share without the sign, for a column headed %."""
        return Written(_bare(self.share(value)), value, "share")

    def bare_shares(self, low: float, high: float) -> str:
        """Write an interval of shares without the sign."""
        return _bare(self.shares(low, high))

    def duration(self, seconds: float, unit: str | None = None) -> Written:
        """Write a duration in `unit` (s, min, h, d), or in the one a person would use."""
        return self.wording().duration(seconds, unit)

    def durations(self, low: float, high: float) -> str:
        """Write an interval of durations; empty when unknown."""
        return self.wording().durations(low, high)

    def money(self, minor: float, currency: str) -> Written:
        """Write an amount of minor units (cents), shortened from ten thousand on."""
        return self.wording().money(minor, currency)

    def day(self, moment: datetime, zone: str = "UTC") -> str:
        """Write the day of a moment in a time zone."""
        return self.wording().day(moment.astimezone(ZoneInfo(zone)).date())

    def weekday(self, day: date) -> str:
        """Write a day's name in full, as it stands alone."""
        from babel.dates import format_date

        return str(format_date(day, "cccc", locale=self.locale))

    def month(self, moment: datetime, zone: str = "UTC") -> str:
        """Write the month of a moment in a time zone."""
        return self.wording().tick(moment.astimezone(ZoneInfo(zone)).date(), "yMMM")

    def week(self, moment: datetime, zone: str = "UTC") -> str:
        """Write the week that begins on a moment's day."""
        day = self.wording().tick(moment.astimezone(ZoneInfo(zone)).date(), "yMMMd")
        return self._("week of {day}").format(day=day)

    def quarter(self, moment: datetime, zone: str = "UTC") -> str:
        """Write the quarter of a moment in a time zone."""
        return self.wording().tick(moment.astimezone(ZoneInfo(zone)).date(), "yQQQ")

    def year(self, moment: datetime, zone: str = "UTC") -> str:
        """Write the year of a moment in a time zone."""
        return self.wording().tick(moment.astimezone(ZoneInfo(zone)).date(), "y")

    def period(self, start: datetime, end: datetime, zone: str = "UTC") -> str:
        """Write the days from `start` up to, not including, `end`."""
        from babel.dates import format_interval

        place = ZoneInfo(zone)
        first = start.astimezone(place).date()
        last = (end - timedelta(microseconds=1)).astimezone(place).date()
        return str(format_interval(first, last, "yMMMd", locale=self.locale))


def texts(lang: str = "en") -> Texts:
    """Load a language.

    Parameters
    ----------
    lang : {"en", "uk", "ru", "nl"}

    Returns
    -------
    Texts

    Raises
    ------
    ParameterError
        If the language is not one of them.

    Examples
    --------
    >>> texts("en")._("Contents")
    'Contents'
    """
    if lang not in LANGUAGES:
        fix = did_you_mean(lang, LANGUAGES)
        raise ParameterError(Problem(f'unknown language "{lang}"', path="lang", fix=fix))
    return _load(lang)


@lru_cache
def _load(lang: str) -> Texts:
    """Compile a language's catalogue in memory."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    path = LOCALES / f"{lang}.po"
    compiled = io.BytesIO()
    if path.exists():
        with path.open("rb") as source:
            write_mo(compiled, read_po(source, locale=lang))
        compiled.seek(0)
        return Texts(lang, Translations(compiled), spoken=lang)
    return Texts(lang, Translations())


def _bare(per_cent: str) -> str:
    """A share without its sign."""
    return per_cent.replace("%", "").strip("\u00a0\u202f ")
