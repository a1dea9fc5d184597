"""Counts by day: their mean by weekday, season and growth, and how restless they are."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.scenarios.calendar import WEEKDAYS
from funnelsim.scenarios.rate import MONTHS

__all__ = ["DailyRate", "daily_rate"]

Floats = NDArray[np.float64]

YEAR: Final = 365.25
TWO_YEARS: Final = 730
"""Days below which a season cannot be told from a trend."""
HALF_YEAR: Final = 182
"""Days below which growth cannot be told from luck."""
FEWEST_IN_MONTH: Final = 10
PROFILE_TEST: Final = 0.05
GROWTH_TEST: Final = 0.01
FEWEST_WEEKS: Final = 4
"""Weeks from which on what a week's days share is no matter of single days."""
BLOCKS: Final = ((1, 5), (7, 8), (28, 6))
"""Days a block, and how many blocks are needed to see how much they vary."""


@dataclass(frozen=True, slots=True)
class DailyRate:
    """A quasi-Poisson model of counts by day.

    Parameters
    ----------
    names : tuple of str
        What each coefficient is of: weekdays (or ``all``), months (February on), ``growth``.
    coefficients : tuple of float
        Natural logarithms of leads a day at the start of the run; growth per year.
    covariance : tuple of tuple of float
        Theirs, dispersion included.
    open_days : tuple of int
        Weekdays on which leads come at all, 0 = Monday.
    cv, cv_lo, cv_hi : float
        Coefficient of variation of a random factor per day, that of whole weeks left out.
    free : float
        Degrees of freedom of the interval.
    days, n : int
        Days and leads it rests on.
    """

    names: tuple[str, ...]
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    open_days: tuple[int, ...]
    cv: float
    cv_lo: float
    cv_hi: float
    free: float
    days: int
    n: int

    def per_week(self, coefficients: Floats | None = None) -> float:
        """Leads a week at the start of the run, in a month of average season."""
        by_day = self._weekday_means(coefficients)
        return float(by_day.sum() * self._season(coefficients).mean())

    def by_weekday(self, coefficients: Floats | None = None) -> Mapping[str, float]:
        """Weights with mean 1; empty where all weekdays are alike."""
        if "all" in self.names:
            return {}
        means = self._weekday_means(coefficients)
        return {day: float(w) for day, w in zip(WEEKDAYS, means / means.mean(), strict=True)}

    def by_month(self, coefficients: Floats | None = None) -> Mapping[str, float]:
        """Factors with mean 1; empty where the season is not known."""
        season = self._season(coefficients)
        if not any(name in MONTHS for name in self.names):
            return {}
        return {m: float(f) for m, f in zip(MONTHS, season / season.mean(), strict=True)}

    def growth(self, coefficients: Floats | None = None) -> float | None:
        """Share by which the rate grows in a month; None if it is not known to."""
        if "growth" not in self.names:
            return None
        return math.expm1(float(self._values(coefficients)[self.names.index("growth")]) / 12)

    def means(self, days: pd.DatetimeIndex, start: pd.Timestamp) -> Floats:
        """Expected leads on each of some days."""
        level = np.exp(_design(days, start, list(self.names)) @ np.array(self.coefficients))
        return np.where(np.isin(days.day_of_week, self.open_days), level, 0.0)

    def interval(self, level: float) -> tuple[float, float]:
        """Interval of the leads a week: the delta method on the logarithm, Student's t."""
        from scipy.special import stdtrit

        at = np.array(self.coefficients)
        step = 1e-5
        slope = np.array(
            [
                math.log(self.per_week(at + step * unit) / self.per_week(at - step * unit))
                for unit in np.eye(len(at))
            ]
        ) / (2 * step)
        error = math.sqrt(float(slope @ np.array(self.covariance) @ slope))
        margin = float(stdtrit(self.free, (1 + level) / 2)) * error
        return self.per_week() * math.exp(-margin), self.per_week() * math.exp(margin)

    def drawn(self, rng: np.random.Generator) -> tuple[Floats, float]:
        """Coefficients and cv drawn from their uncertainty."""
        covariance = np.array(self.covariance)
        shift = rng.multivariate_normal(np.zeros(len(covariance)), covariance, method="eigh")
        # Counts are never negative: their logarithm is drawn so that their mean stays.
        coefficients = np.array(self.coefficients) + shift - np.diag(covariance) / 2
        z = float(rng.standard_normal())
        side = (self.cv_hi - self.cv) if z > 0 else (self.cv - self.cv_lo)
        return coefficients, min(3.0, max(0.0, self.cv + z * side / 1.96))

    def _values(self, coefficients: Floats | None) -> Floats:
        return np.array(self.coefficients) if coefficients is None else coefficients

    def _weekday_means(self, coefficients: Floats | None) -> Floats:
        values = dict(zip(self.names, self._values(coefficients), strict=True))
        means = np.zeros(7)
        for day in self.open_days:
            means[day] = math.exp(values.get("all", values.get(WEEKDAYS[day], 0.0)))
        return means

    def _season(self, coefficients: Floats | None) -> Floats:
        values = dict(zip(self.names, self._values(coefficients), strict=True))
        return np.array([math.exp(values.get(month, 0.0)) for month in MONTHS])


def daily_rate(counts: pd.Series, start: pd.Timestamp) -> DailyRate:
    """Fit the mean of counts by day, and how much they vary beyond chance.

    Weekdays have their own means if they differ (quasi-likelihood F test at 5 %), months if
    there are two years, growth if a quarter of a year's whole weeks show it at 1 % although
    neighbouring weeks are alike. The variance of the coefficients is that of whichever blocks
    (days, weeks, four weeks) vary most beyond chance: leads of one week share its luck.

    Parameters
    ----------
    counts : Series of int
        Leads by local date (without a zone), every day of the window, not all 0.
    start : Timestamp
        The run's first day, to which growth refers.

    Returns
    -------
    DailyRate

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, ch. 9 (quasi-likelihood); Breslow
    (1984), Applied Statistics 33: 38-44 (the moment equation of the extra variation).

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=28)
    >>> counts = pd.Series([4, 6, 5, 5, 4, 0, 0] * 4, index=days)
    >>> rate = daily_rate(counts, pd.Timestamp("2024-01-29"))
    >>> round(rate.per_week(), 6), rate.by_weekday()["sun"]
    (24.0, 0.0)
    """
    weekday = pd.DatetimeIndex(counts.index).day_of_week.to_numpy()
    totals = np.bincount(weekday, counts.to_numpy(), minlength=7)
    flat = _fit(counts, start, ["all"])
    opened = tuple(int(day) for day in np.flatnonzero(totals))
    seen = counts[np.isin(weekday, opened)]
    names = [WEEKDAYS[day] for day in opened]
    if len(counts) < 14 or not _differ(flat, seen, start, names):  # noqa: PLR2004 - two weeks
        names, opened, seen = ["all"], tuple(range(7)), counts
    if len(counts) >= TWO_YEARS and _months_known(counts):
        names += MONTHS[1:]
    if len(counts) >= HALF_YEAR and _grows(seen, start, [*names, "growth"]):
        names.append("growth")
    coefficients, covariance, mean = _fit(seen, start, names)
    dispersion, free = _dispersion(seen, mean, len(names))
    cv, cv_lo, cv_hi = _restless(*_within_weeks(seen, mean), len(names))
    return DailyRate(
        names=tuple(names),
        coefficients=tuple(coefficients.tolist()),
        covariance=tuple(tuple(row) for row in (dispersion * covariance).tolist()),
        open_days=opened,
        cv=cv,
        cv_lo=cv_lo,
        cv_hi=cv_hi,
        free=free,
        days=len(counts),
        n=int(counts.sum()),
    )


def _design(days: pd.DatetimeIndex, start: pd.Timestamp, names: list[str]) -> Floats:
    """One column a coefficient."""
    columns = []
    for name in names:
        if name == "all":
            columns.append(np.ones(len(days)))
        elif name == "growth":
            columns.append(((days - start) / pd.Timedelta(days=YEAR)).to_numpy(dtype=float))
        elif name in WEEKDAYS:
            columns.append((days.day_of_week == WEEKDAYS.index(name)).astype(float))
        else:
            columns.append((days.month == MONTHS.index(name) + 1).astype(float))
    return np.column_stack(columns)


def _fit(counts: pd.Series, start: pd.Timestamp, names: list[str]) -> tuple[Floats, Floats, Floats]:
    """Coefficients, their Poisson covariance and the fitted means, by iterated least squares."""
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    design = _design(pd.DatetimeIndex(counts.index), start, names)
    with warnings.catch_warnings():  # days that fit exactly are no matter here
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        fit = GLM(counts.to_numpy(dtype=float), design, family=Poisson()).fit(maxiter=100)
    return np.asarray(fit.params), np.asarray(fit.cov_params()), np.asarray(fit.mu)


def _differ(
    flat: tuple[Floats, Floats, Floats], seen: pd.Series, start: pd.Timestamp, names: list[str]
) -> bool:
    """Whether weekdays differ: the quasi-likelihood F test, closed weekdays included."""
    from scipy.special import fdtrc

    if len(names) == 1:
        return True
    mean = _fit(seen, start, names)[2]
    all_days = len(flat[2])
    free = len(seen) - len(names)
    if free < 1:
        return False
    within = _deviance(seen.to_numpy(dtype=float), mean)
    level = float(seen.sum()) / all_days
    closed = 2 * level * (all_days - len(seen))
    whole = _deviance(seen.to_numpy(dtype=float), np.full(len(seen), level)) + closed
    scale = max(1.0, float(((seen - mean) ** 2 / mean).sum()) / free)
    return float(fdtrc(6, free, max(0.0, whole - within) / 6 / scale)) < PROFILE_TEST


def _deviance(counts: Floats, mean: Floats) -> float:
    """Poisson deviance."""
    from scipy.special import xlogy

    return float(2 * (xlogy(counts, counts / mean) - counts + mean).sum())


def _months_known(counts: pd.Series) -> bool:
    totals = counts.groupby(pd.DatetimeIndex(counts.index).month).sum()
    return len(totals) == len(MONTHS) and bool((totals >= FEWEST_IN_MONTH).all())


def _grows(seen: pd.Series, start: pd.Timestamp, names: list[str]) -> bool:
    """Whether growth stands out from the luck that neighbouring weeks share."""
    from scipy.special import stdtr

    coefficients, covariance, mean = _fit(seen, start, names)
    whole = _blocks(seen, 7)
    residual = _pearson(seen, mean, whole)
    alike = float(np.corrcoef(residual[1:], residual[:-1])[0, 1]) if residual.std() else 0.0
    longer = (1 + max(0.0, min(alike, 0.9))) / (1 - max(0.0, min(alike, 0.9)))
    dispersion, _ = _dispersion(seen, mean, len(names))
    weekly = float((residual**2).sum()) / max(1, len(residual) - 2)
    error = math.sqrt(max(dispersion, weekly * longer) * float(covariance[-1, -1]))
    free = max(1.0, len(residual) / longer - 2)
    return 2 * float(stdtr(free, -abs(float(coefficients[-1])) / error)) < GROWTH_TEST


def _blocks(seen: pd.Series, length: int) -> NDArray[np.int64]:
    """The block of each day, -1 in the incomplete one at the end."""
    days = pd.DatetimeIndex(seen.index)
    number = ((days - days[0]) // pd.Timedelta(days=length)).to_numpy(dtype=np.int64)
    whole = int(((days[-1] - days[0]) / pd.Timedelta(days=1) + 1) // length)
    return np.where(number < whole, number, -1)


def _pearson(seen: pd.Series, mean: Floats, block: NDArray[np.int64]) -> Floats:
    """Pearson residuals of the blocks' totals."""
    inside = block >= 0
    total = np.bincount(block[inside], seen.to_numpy(dtype=float)[inside])
    expected = np.bincount(block[inside], mean[inside])
    kept = expected > 0
    residual: Floats = (total[kept] - expected[kept]) / np.sqrt(expected[kept])
    return residual


def _dispersion(seen: pd.Series, mean: Floats, used: int) -> tuple[float, float]:
    """Variance over mean, at least 1, of the blocks that vary most; degrees of freedom."""
    found = [(1.0, 1e6)]
    for length, needed in BLOCKS:
        residual = _pearson(seen, mean, _blocks(seen, length))
        free = len(residual) - max(1.0, used / length)
        if len(residual) >= needed and free >= 1:
            found.append((float((residual**2).sum()) / free, free))
    return max(found)


def _within_weeks(seen: pd.Series, mean: Floats) -> tuple[Floats, Floats, int]:
    """Counts, means that add up to what each week had, and how many weeks were adjusted."""
    counts, week = seen.to_numpy(dtype=float), _blocks(seen, 7)
    if len(set(week.tolist()) - {-1}) < FEWEST_WEEKS:
        return counts, mean, 0
    inside = week >= 0
    total, expected = (np.bincount(week[inside], values[inside]) for values in (counts, mean))
    factor = np.divide(total, expected, out=np.zeros(len(total)), where=expected > 0)
    kept = inside & (factor[week] > 0)
    return counts[kept], (mean * factor[week])[kept], int((factor > 0).sum())


def _restless(counts: Floats, mean: Floats, weeks: int, used: int) -> tuple[float, float, float]:
    """Cv of a factor per day with its 95 % interval, by the moment equation."""
    from scipy.optimize import brentq
    from scipy.special import chdtri

    free = len(counts) - max(weeks, 1) - used + 1
    if free < 4:  # noqa: PLR2004 - a variance from fewer is no estimate
        return 0.0, 0.0, 0.0

    def excess(spread: float, target: float) -> float:
        return float(((counts - mean) ** 2 / (mean + spread * mean**2)).sum()) - target

    def cv(target: float) -> float:
        if excess(0.0, target) <= 0:
            return 0.0
        return 3.0 if excess(9.0, target) > 0 else math.sqrt(float(brentq(excess, 0, 9, (target,))))

    middle = cv(free)
    scaled = (counts - mean) ** 2 / (mean + middle**2 * mean**2)
    kurtosis = max(3.0, float((scaled**2).mean()) / float(scaled.mean()) ** 2) if any(scaled) else 3
    worth = 2 * free / (kurtosis - 1)  # how many normal days these are worth
    low, high = (float(chdtri(worth, tail)) * free / worth for tail in (0.025, 0.975))
    return middle, cv(low), cv(high)
