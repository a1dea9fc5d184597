"""What deals are worth: which numbers of the log say so, and how they are distributed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.engine.planning import decimals
from funnelsim.events import EventLog
from funnelsim.events.schema import SCHEMA
from funnelsim.scenarios.evidence import Evidence

__all__ = ["AmountFit", "DealValues", "amount_fit", "deal_values", "leaning_fit"]

Floats = NDArray[np.float64]

FEWEST: Final = 20
"""Amounts below which no distribution is fitted."""
FEW: Final = 5
"""Amounts below which not even their middle is known."""
LEAN: Final = 10
"""Amounts that the spread of all is worth where a kind has few."""
SAME: Final = 0.9
"""Share of won deals whose attribute must equal the won value to be the deal's value."""
LEVELS: Final = (0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.99)
GRID: Final = 20
"""Points of an empirical distribution."""


@dataclass(frozen=True, eq=False)
class DealValues:
    """The value of each lead in major units, as far as it is known.

    Parameters
    ----------
    amounts : Series of float
        By row of ``log.leads``; NaN where unknown.
    column : str
        The attribute it stands in; empty if only marks of won deals say it.
    won : Series of float
        By row of ``log.leads``: the value of won deals, NaN elsewhere.
    minor : int
        Minor units of one major unit of the log's currency.
    """

    amounts: pd.Series
    column: str
    won: pd.Series
    minor: int


def deal_values(log: EventLog) -> DealValues:
    """Find what deals are worth.

    An attribute of leads that equals the value of nine in ten won deals is the deal's value,
    so that open and lost deals have one too. Without such an attribute only won deals have
    a value, and those are selected: they need not be like the rest.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    DealValues

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> found = deal_values(BANK)
    >>> found.column, int(found.amounts.notna().sum())
    ('', 2)
    """
    marks = log.marks[(log.marks["kind"] == "won") & log.marks["value"].notna()]
    first = marks.drop_duplicates("lead_id").set_index("lead_id")["value"]
    won = log.leads["lead_id"].map(first).astype("Float64").astype("float64")
    minor = 10 ** decimals(log.meta.currency)
    for column in log.leads.columns:
        if column in SCHEMA["leads"] or not pd.api.types.is_integer_dtype(log.leads[column]):
            continue
        attribute = log.leads[column].astype("Float64").astype("float64")
        if column in {"value", "amount"} or _same(attribute, won):
            known = log.meta.known.get(f"leads.{column}") != "overwritten" or not len(first)
            amounts = attribute if known else attribute.where(won.isna(), won)
            return DealValues(amounts / minor, column, won / minor, minor)
    return DealValues(won / minor, "", won / minor, minor)


def _same(attribute: pd.Series, won: pd.Series) -> bool:
    both = attribute.notna() & won.notna()
    return int(both.sum()) >= FEWEST and float((attribute == won)[both].mean()) >= SAME


@dataclass(frozen=True, slots=True)
class AmountFit:
    """A distribution of amounts in major units.

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation of the logarithm (lognormal); ``sigma`` is 0 where all
        amounts are alike.
    grid : tuple of float
        Equally likely amounts where the lognormal does not fit; else empty.
    mean, mean_lo, mean_hi : float
        Of the amounts themselves, 95 %.
    n : int
        Amounts.
    lent : int
        Amounts that others have lent to ``sigma``.
    """

    mu: float
    sigma: float
    grid: tuple[float, ...]
    mean: float
    mean_lo: float
    mean_hi: float
    n: int
    lent: int = 0

    @property
    def written(self) -> object:
        """As it stands in a scenario."""
        if self.grid:
            return {"values": list(self.grid)}
        return _lognormal(self.mu, self.sigma)

    def drawn(self, rng: np.random.Generator) -> object:
        """The same with parameters drawn from their uncertainty."""
        if self.grid:
            weights = rng.dirichlet(np.full(len(self.grid), self.n / len(self.grid)))
            return {"values": list(self.grid), "weights": [float(w) for w in weights]}
        if not self.sigma:
            return self.written
        free = self.n - 1 + self.lent
        sigma = self.sigma * math.sqrt(free / rng.chisquare(free))
        return _lognormal(rng.normal(self.mu, sigma / math.sqrt(self.n)), sigma)

    def evidence(self, of: str, minor: int, note: str = "") -> tuple[Evidence, ...]:
        """Its mean with Student's interval, in minor units."""
        method = "quantiles of the amounts" if self.grid else "lognormal, maximum likelihood"
        mean, lo, hi = (minor * one for one in (self.mean, self.mean_lo, self.mean_hi))
        found = Evidence(
            of=of,
            measure="mean",
            value=mean,
            unit="minor",
            lo=lo,
            hi=hi,
            n=self.n,
            method=f"{method}; Student t",
            note=note,
        )
        return (found,)


def amount_fit(amounts: pd.Series) -> AmountFit | None:
    """Fit a distribution of amounts, or None if there are too few.

    Lognormal by maximum likelihood if it passes the test of Lilliefors at 1 % (as for a
    normal distribution of the logarithms) or its quantiles are within a tenth of the
    observed ones; else the observed quantiles themselves, mean kept.

    Parameters
    ----------
    amounts : Series of float
        Major units; NaN are left out.

    Returns
    -------
    AmountFit or None

    References
    ----------
    Lilliefors (1967), JASA 62: 399-402.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> fit = amount_fit(pd.Series(rng.lognormal(8, 0.7, 500)))
    >>> round(fit.mu, 1), fit.grid
    (8.0, ())
    """
    from funnelsim.measures.estimates import mean

    seen = np.sort(amounts.dropna().to_numpy(dtype=float))
    seen = seen[seen >= 0]
    if len(seen) < FEWEST:
        return None
    whole = mean(seen, 0.95)
    logs = np.log(seen[seen > 0])
    mu, sigma = (float(logs.mean()), float(logs.std(ddof=1))) if len(logs) > 1 else (0.0, 0.0)
    grid: tuple[float, ...] = ()
    if seen[0] == seen[-1]:
        mu, sigma, grid = (mu, 0.0, ()) if seen[0] > 0 else (0.0, 0.0, (0.0,))
    elif seen[0] == 0 or not _lognormal_fits(logs, mu, sigma):
        grid = _grid(seen)
    return AmountFit(mu, sigma, grid, whole.value, max(0.0, whole.lo), whole.hi, len(seen))


def leaning_fit(amounts: pd.Series, whole: AmountFit | None) -> AmountFit | None:
    """Fit the amounts of a kind that has few: their own middle, a spread that leans to that of all.

    Parameters
    ----------
    amounts : Series of float
        Major units; NaN are left out.
    whole : AmountFit or None
        Of all kinds together.

    Returns
    -------
    AmountFit or None
        Lognormal; ``whole`` itself where not even the middle is known, or amounts can be 0.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> small, large = rng.lognormal(6, 0.7, 200), rng.lognormal(9, 0.7, 8)
    >>> whole = amount_fit(pd.Series(np.concatenate([small, large])))
    >>> fit = leaning_fit(pd.Series(large), whole)
    >>> abs(fit.mu - 9) < 1, fit.n
    (True, 8)
    """
    seen = amounts.dropna().to_numpy(dtype=float)
    if whole is None or len(seen) < FEW or (seen <= 0).any() or not whole.sigma:
        return whole
    logs, n = np.log(seen), len(seen)
    squares = (n - 1) * float(logs.var(ddof=1)) + LEAN * whole.sigma**2
    sigma = math.sqrt(squares / (n - 1 + LEAN))
    mu = float(logs.mean())
    error = math.sqrt(sigma**2 / n + sigma**4 / (2 * (n - 1 + LEAN)))  # of the mean's logarithm
    middle = math.exp(mu + sigma**2 / 2)
    lo, hi = (middle * math.exp(sign * 1.96 * error) for sign in (-1, 1))
    return AmountFit(mu, sigma, (), middle, lo, hi, n, LEAN)


def _lognormal(mu: float, sigma: float) -> Mapping[str, float] | float:
    """Median and 90th percentile."""
    if not sigma:
        return _digits(math.exp(mu))
    return {"median": _digits(math.exp(mu)), "p90": _digits(math.exp(mu + 1.2815515655 * sigma))}


def _lognormal_fits(logs: Floats, mu: float, sigma: float) -> bool:
    from scipy.special import ndtri
    from statsmodels.stats.diagnostic import lilliefors

    if lilliefors(logs, dist="norm", pvalmethod="table")[1] >= 0.01:  # noqa: PLR2004 - 1 %
        return True
    off = np.exp(mu + sigma * ndtri(LEVELS) - np.quantile(logs, LEVELS))
    off_mean = math.exp(mu + sigma**2 / 2) / float(np.exp(logs).mean())
    return bool((np.abs(off - 1) < 0.1).all()) and abs(off_mean - 1) < 0.05  # noqa: PLR2004


def _grid(seen: Floats) -> tuple[float, ...]:
    """Means of equally large groups of the sorted amounts, so that the mean stays."""
    groups = np.array_split(seen, min(GRID, len(seen)))
    return tuple(_digits(float(group.mean())) for group in groups)


def _digits(amount: float) -> float:
    """Six significant digits."""
    return float(f"{amount:.6g}")
