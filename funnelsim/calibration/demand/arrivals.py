"""Sources: where leads come from, how many, when, and of what kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.demand.daily import DailyRate, daily_rate
from funnelsim.calibration.demand.inflow import Inflow, inflows, observed_days
from funnelsim.calibration.demand.surges import surge_part
from funnelsim.calibration.demand.values import (
    AmountFit,
    amount_fit,
    deal_values,
    leaning_fit,
)
from funnelsim.calibration.parts import Part, Refusal, Settings
from funnelsim.events import EventLog
from funnelsim.measures.estimates import mean, wilson
from funnelsim.messages import Message
from funnelsim.scenarios.evidence import Evidence

__all__ = ["Kind", "SourcePart", "arrival_parts"]

Integers = NDArray[np.int64]

LEVEL: Final = 0.95
FEWEST_OF_KIND: Final = 10
MOST_KINDS: Final = 24
HOURS: Final = 24
WIDTHS: Final = (1, 2, 3, 4, 6, 8, 12, 24)
DATES_ONLY: Final = 0.9
"""Share of arrivals at midnight sharp from which times of day are taken for not recorded."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Leads of one segment and product: how many, and what they are worth."""

    segment: str
    product: str
    n: int
    value: AmountFit | None


@dataclass(frozen=True, slots=True)
class SourcePart:
    """One source.

    Parameters
    ----------
    id : str
        Of the source.
    label : str
        What the log calls it.
    stage : str
        Where its leads enter.
    rate : DailyRate
        Leads by day.
    hours : tuple of int
        Leads by local hour of arrival; empty where the hour is not known.
    width : int
        Hours over which they are averaged.
    kinds : tuple of Kind
        At least one.
    notes : tuple of str
        What to keep in mind about the rate.
    value_note : str
        The same about values.
    minor : int
        Minor units of one major unit of money.
    """

    id: str
    label: str
    stage: str
    rate: DailyRate
    hours: tuple[int, ...]
    width: int
    kinds: tuple[Kind, ...]
    notes: tuple[str, ...] = ()
    value_note: str = ""
    minor: int = 100
    extra: tuple[Evidence, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """``arrivals/web``."""
        return f"arrivals/{self.id}"

    @property
    def settings(self) -> Settings:
        """The source as it stands in a scenario, one path a field."""
        shares = np.array([kind.n for kind in self.kinds], dtype=float)
        values = [kind.value.written if kind.value else None for kind in self.kinds]
        return self._written(None, self.rate.cv, np.array(self.hours), shares, values)

    def drawn(self, rng: np.random.Generator) -> Settings:
        """The same with rate, profile, shares and values drawn from their uncertainty."""
        coefficients, cv = self.rate.drawn(rng)
        hours = np.array(self.hours)
        if len(hours) and self.width < HOURS:
            hours = rng.gamma(np.maximum(hours, 1e-12)) * (hours > 0)
        shares = rng.gamma([kind.n + 0.5 for kind in self.kinds])
        values = [kind.value.drawn(rng) if kind.value else None for kind in self.kinds]
        return self._written(coefficients, cv, hours, shares, values)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Rate, restlessness of days, growth, shares of kinds, values."""
        of = f"sources.{self.id}"
        lo, hi = self.rate.interval(LEVEL)
        per_week = self.rate.per_week()
        days, unit = _per(per_week)
        found = [
            Evidence(
                of=f"{of}.rate",
                measure="rate",
                value=float(f"{per_week / days:.6g}"),
                unit=unit,
                lo=lo / days,
                hi=hi / days,
                n=self.rate.n,
                method="quasi-Poisson by day",
                note=" ".join(self.notes),
            ),
            Evidence(
                of=f"{of}.overdispersion",
                measure="cv",
                value=self.rate.cv,
                unit="ratio",
                lo=self.rate.cv_lo,
                hi=self.rate.cv_hi,
                n=self.rate.days,
                method="moments of the days' counts",
            ),
            *self.extra,
        ]
        for place, kind in enumerate(self.kinds):
            where = f"{of}.mix.{place}" if len(self.kinds) > 1 else of
            if len(self.kinds) > 1:
                found.append(_share(f"{where}.share", kind.n, sum(k.n for k in self.kinds)))
            if kind.value is not None:
                found += kind.value.evidence(f"{where}.value", self.minor, self.value_note)
        return tuple(found)

    def _written(
        self,
        coefficients: NDArray[np.float64] | None,
        cv: float,
        hours: NDArray[np.float64] | Integers,
        shares: NDArray[np.float64],
        values: list[object],
    ) -> Settings:
        per_week = self.rate.per_week(coefficients)
        days, unit = _per(self.rate.per_week())
        mine: dict[str, object] = {
            "label": {"en": self.label} if self.label != self.id else {},
            "stage": self.stage,
            "rate": f"{per_week / days:.6g} / {unit[-1]}",
            "by_weekday": _rounded(self.rate.by_weekday(coefficients)),
            "by_hour": _by_hour(hours, self.width),
            "by_month": _rounded(self.rate.by_month(coefficients)),
            "overdispersion": round(cv, 4),
        }
        growth = self.rate.growth(coefficients)
        if growth is not None:
            mine["growth"] = f"{100 * growth:.4g} % / mo"
        if len(self.kinds) > 1:
            mine["mix"] = _mix(self.kinds, shares, values)
        else:
            kind = self.kinds[0]
            mine |= {"segment": kind.segment, "product": kind.product, "value": values[0]}
        return {("sources", self.id, key): item for key, item in mine.items() if _told(item)}


def arrival_parts(log: EventLog) -> tuple[tuple[Part, ...], tuple[Refusal, ...]]:
    """Estimate where leads come from, how many, when, and of what kind.

    Whole days of the window count; days at its ends without any lead, which chance does not
    explain, were not recorded. Leads that arrived before the window are left out. The rate is
    that of the day after the window, at which a run from today begins.

    Parameters
    ----------
    log : EventLog
        Any history with arrivals inside the window.

    Returns
    -------
    parts, refusals : tuple of Part, tuple of Refusal
        One part a source: ``arrivals/web`` sets ``sources.web.rate`` and so on; and
        ``shock/demand``, what weeks have in common.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> parts, refusals = arrival_parts(BANK)
    >>> [part.name for part in parts]
    ['arrivals/branch', 'arrivals/web']
    """
    days = observed_days(log)
    if days is None:
        why = Message("No lead arrived within the window, so nothing says how many come.")
        return (), (Refusal("sources", why, fix=Message("Take a longer window.")),)
    streams, refusals = inflows(log, days)
    worth = deal_values(log)
    note, ratio = _selection(worth.amounts, worth.won, worth.column)
    pooled = amount_fit(worth.amounts)
    rates = {one.id: daily_rate(one.counts, days.start) for one in streams}
    parts = tuple(
        SourcePart(
            id=one.id,
            label=one.label,
            stage=one.stage,
            rate=rates[one.id],
            hours=_hours(one),
            width=_width(one),
            kinds=_kinds(one, worth.amounts, pooled),
            notes=one.notes,
            value_note=note,
            minor=worth.minor,
            extra=_ratio(one.id, ratio),
        )
        for one in streams
    )
    late = [one.id for one in streams if not _hours(one)]
    if late:
        why = Message("Arrivals carry dates only (midnight), so the hour of the day is not known.")
        instead = Message("Leads come around the clock instead.")
        refusals += (Refusal(f"sources.{late[0]}.by_hour", why, instead),)
    surge = surge_part([(one.id, one.counts, rates[one.id]) for one in streams], days.start)
    return (*parts, *([surge] if surge else [])), refusals + _few(parts, days.days)


def _few(parts: tuple[SourcePart, ...], days: int) -> tuple[Refusal, ...]:
    """What a short history cannot tell about demand."""
    found = []
    if days < 730:  # noqa: PLR2004 - two years
        why = Message("Days of history: {n}; to tell the season from a trend it takes 730.", n=days)
        found.append(Refusal("sources.*.by_month", why, Message("All months count alike.")))
    found += [
        Refusal(f"sources.{part.id}.value", Message("Fewer than 20 deals have a value."))
        for part in parts
        if all(kind.value is None for kind in part.kinds)
    ]
    return tuple(found)


def _per(per_week: float) -> tuple[int, str]:
    """Days of the unit in which a rate is written: a day, or a week where leads are rare."""
    return (7, "leads/d") if per_week >= 7 else (1, "leads/w")  # noqa: PLR2004 - one a day


def _told(item: object) -> bool:
    return item is not None and item not in ({}, "")


def _rounded(weights: Mapping[str, float]) -> Mapping[str, float]:
    return {key: float(f"{weight:.4g}") for key, weight in weights.items()}


def _share(of: str, count: int, n: int) -> Evidence:
    lo, hi = wilson(count / n, n, LEVEL)
    return Evidence(
        of=of, measure="share", value=count / n, unit="share", lo=lo, hi=hi, n=n, method="Wilson"
    )


def _hours(one: Inflow) -> tuple[int, ...]:
    """Leads by local hour; empty where only dates are known."""
    if one.at_midnight >= DATES_ONLY:
        return ()
    return tuple(np.bincount(one.hours, minlength=HOURS).tolist())


def _width(one: Inflow) -> int:
    """Hours a bin of the profile: the least estimated squared error of the histogram.

    Rudemo (1982), Scandinavian Journal of Statistics 9: 65-78, eq. 2.8.
    """
    n = len(one.hours)
    if n < 2:  # noqa: PLR2004 - nothing to leave out
        return HOURS
    counts = np.bincount(one.hours, minlength=HOURS)
    risk = {
        width: 2 / ((n - 1) * width)
        - (n + 1) / ((n - 1) * width) * float(((counts.reshape(-1, width).sum(1) / n) ** 2).sum())
        for width in WIDTHS
    }
    return min(risk, key=lambda width: risk[width])


def _by_hour(hours: NDArray[np.float64] | Integers, width: int) -> Mapping[str, float]:
    """Weights with mean 1 by window of hours; hours without leads are left out."""
    if not len(hours) or width == HOURS:
        return {}
    level = np.asarray(hours, dtype=float).reshape(-1, width).mean(axis=1)
    level /= level.mean()
    return {
        f"{place * width}-{(place + 1) * width}": float(f"{weight:.4g}")
        for place, weight in enumerate(level)
        if weight > 0
    }


def _kinds(one: Inflow, amounts: pd.Series, pooled: AmountFit | None) -> tuple[Kind, ...]:
    """Kinds of leads of a source; rare ones together, without a name."""
    worth = amounts.loc[one.rows.index]
    whole = amount_fit(worth) or pooled
    sizes = Counter(zip(one.rows["segment"], one.rows["product"], strict=True))
    large = [key for key, n in sizes.most_common(MOST_KINDS) if n >= FEWEST_OF_KIND]
    if len(large) == len(sizes) == 1 or not large:
        segment, product = large[0] if large else ("", "")
        return (Kind(segment, product, len(one.rows), whole),)
    kinds = []
    for segment, product in large:
        mine = (one.rows["segment"] == segment) & (one.rows["product"] == product)
        value = amount_fit(worth[mine]) or leaning_fit(worth[mine], whole)
        kinds.append(Kind(segment, product, int(mine.sum()), value))
    rest = len(one.rows) - sum(kind.n for kind in kinds)
    if rest:
        kinds.append(Kind("", "", rest, whole))
    return tuple(kinds)


def _mix(
    kinds: tuple[Kind, ...], shares: NDArray[np.float64], values: list[object]
) -> list[Mapping[str, object]]:
    """Kinds as they stand in a scenario; the largest share takes what rounding leaves."""
    shares = np.round(shares / shares.sum(), 6)
    shares[np.argmax(shares)] += 1 - shares.sum()
    return [
        {
            "share": float(share),
            **({"segment": kind.segment} if kind.segment else {}),
            **({"product": kind.product} if kind.product else {}),
            **({"value": value} if value is not None else {}),
        }
        for kind, share, value in zip(kinds, shares, values, strict=True)
    ]


def _selection(
    amounts: pd.Series, won: pd.Series, column: str
) -> tuple[str, tuple[float, float, float, int] | None]:
    """What winning says about the value: a note, and won ÷ all with its interval."""
    if not column:
        note = "Known for won deals only: what the others were worth may differ."
        return (note if won.notna().any() else ""), None
    both = won[won.notna() & amounts.notna()]
    others = amounts[amounts.notna()]
    if len(both) < FEWEST_OF_KIND or not others.mean():
        return "", None
    estimate = mean(both.to_numpy(dtype=float), LEVEL)
    whole = float(others.mean())
    ratio = (estimate.value / whole, estimate.lo / whole, estimate.hi / whole, len(both))
    return f"Of all deals ({column}), whatever became of them.", ratio


def _ratio(source: str, ratio: tuple[float, float, float, int] | None) -> tuple[Evidence, ...]:
    if ratio is None:
        return ()
    value, lo, hi, n = ratio
    differs = not lo <= 1 <= hi
    found = Evidence(
        of=f"sources.{source}.value",
        measure="won_to_all",
        value=value,
        unit="ratio",
        lo=lo,
        hi=hi,
        n=n,
        method="mean of won deals ÷ mean of all; Student t",
        note="Won deals are worth more or less than the rest." if differs else "",
    )
    return (found,)
