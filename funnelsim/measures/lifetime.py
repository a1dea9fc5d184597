"""Lifetime value: LTV is *revenue*, CLTV is *profit*; two names because people mean both.

Method. Clients are lined up at their first order. Of each age only those clients count who
can have reached it, so newcomers do not drag the mean down (the mean cumulative function).
As far as a tenth of the clients, and at least ten, have been followed, nothing is assumed.
Beyond that, active clients go on to bring in what active clients bring in now and leave at
the rate they leave now: that part is marked ``extrapolated``.

Not discounted unless ``discount`` says so. The price of winning a client is no part of
either: compare it with :func:`funnelsim.measures.cac`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.cautions import (
    EXTRAPOLATED,
    IMMATURE,
    NO_CHURN,
    NO_COSTS,
    NO_VALUE,
    TOO_FEW,
    cautions,
    few,
)
from funnelsim.measures.clients import Clients, clients
from funnelsim.measures.costs import spending
from funnelsim.measures.estimates import NOTHING, Estimate
from funnelsim.measures.lives import DAY, LEAST, YEAR, Lives, constant_churn, expected, lives
from funnelsim.measures.purchases import (
    Basis,
    customers,
    mean_amount,
    money,
    uncertain_customers,
)
from funnelsim.measures.tables import By, check_level, columns_of, record, span, tidy
from funnelsim.measures.uncertainty import jackknife

__all__ = ["cltv_profit", "ltv_revenue", "retention_effect"]

Flags = NDArray[np.bool_]
HORIZONS: Final[tuple[str | None, ...]] = ("365 d", None)
COUNTS: Final = {"observed_d": "float64", "caution": "str"}
CLAIM: Final = (0.25, 0.95)  # S4:472
EFFECTS: Final = (
    "retention_before",
    "retention_after",
    "profit_before",
    "profit_after",
    "claimed_lo",
    "claimed_hi",
)


def ltv_revenue(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    horizons: Sequence[str | None] = HORIZONS,
    silent: str | None = None,
    discount: float = 0.0,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """LTV: forecast *revenue* from one client over the relation.

    Definition: forecast revenue (дохід) from one client over the whole relation; the
    forecast *profit* is :func:`cltv_profit`. Formula: mean cumulative value of orders by
    age, extrapolated as in the module's text. Unit: minor units. Source: domain S4:569.

    Parameters
    ----------
    log : EventLog
        Any history; clients whose first order falls into the window.
    by : str or sequence of str
        Columns of leads, those of the customer's first lead.
    level : float
        Confidence level, 0 to 1.
    horizons : sequence of str or None
        Elapsed time from the first order; None for the whole relation.
    silent : str, optional
        Time without an order after which a client counts as gone; see
        :func:`funnelsim.measures.retention`.
    discount : float
        Interest per year, 0.1 for 10 %.
    basis : {"booked", "paid"}
        What an order is.

    Returns
    -------
    DataFrame
        Item column ``horizon_d`` (days; infinite for the whole relation). First
        ``ltv_revenue_so_far``, the mean of what clients brought so far (``horizon_d``
        NaN), too low because some came last week; then ``ltv_revenue`` per horizon,
        interval by the jackknife, ``n`` clients; method ``mean cumulative`` or
        ``constant churn`` (in part extrapolated), NaN with ``too few`` (under ten
        clients) or ``no churn`` (nothing says when a relation ends). Then ``observed_d``
        (days that need no assumption) and ``caution``.

    References
    ----------
    Nelson (2003), Recurrent Events Data Analysis for Product Repairs, ch. 3; Fader &
    Hardie (2010) on what constant churn misses: it understates the loyal.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = ltv_revenue(BANK)
    >>> table[["measure", "value", "method"]].values.tolist()[0]
    ['ltv_revenue_so_far', 200000.0, 'Student t']
    """
    found, columns = clients(log, silent, basis), columns_of(by, log)
    asked = _Asked("ltv_revenue", horizons, discount, level, _doubts(log, found))
    rows = []
    for key, of in lives(log, found, columns, profit=False):
        rows += _values(log, asked, key, of, found.caution)
    return tidy(rows, log, columns, {"horizon_d": "float64"}, COUNTS)


def cltv_profit(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    horizons: Sequence[str | None] = HORIZONS,
    silent: str | None = None,
    discount: float = 0.0,
    basis: Basis = "booked",
    margin: float | None = None,
) -> pd.DataFrame:
    """CLTV: forecast *profit* from one client over the relation, before the cost of winning.

    Definition: forecast profit (прибуток) from one client over the whole relation; the
    forecast *revenue* is :func:`ltv_revenue`. Formula: as there, with what orders cost
    taken off, and what was spent on the client after the first order. Unit: minor units.
    Source: domain S4:170.

    Parameters
    ----------
    log, by, level, horizons, silent, discount, basis
        As in :func:`ltv_revenue`.
    margin : float, optional
        Share of revenue that is profit, where marks carry no costs of their own.

    Returns
    -------
    DataFrame
        As :func:`ltv_revenue`, measures ``cltv_profit_so_far`` and ``cltv_profit``; NaN
        with the method ``no costs`` where neither what was sold nor what came after the
        first order has a cost and no ``margin`` is given, for then it would be revenue.

    Raises
    ------
    ParameterError
        ``margin`` over 1.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> cltv_profit(BANK)["method"].tolist()[0], cltv_profit(BANK, margin=0.1)["value"].tolist()[0]
    ('no costs', 20000.0)
    """
    if margin is not None and not margin <= 1:
        fix = "Write 0.3 for 30 %"
        raise ParameterError(Problem(f"margin={margin!r} is more than all of it", fix=fix))
    found, columns = clients(log, silent, basis), columns_of(by, log)
    asked = _Asked("cltv_profit", horizons, discount, level, _doubts(log, found))
    unknown = _no_costs(log, margin)
    rows = []
    for key, of in lives(log, found, columns, profit=True, margin=margin):
        rows += _values(log, asked, key, of, found.caution, unknown)
    return tidy(rows, log, columns, {"horizon_d": "float64"}, COUNTS)


def retention_effect(
    log: EventLog,
    *,
    by: By = (),
    level: float = 0.95,
    more: float = 0.05,
    silent: str | None = None,
    margin: float | None = None,
    basis: Basis = "booked",
) -> pd.DataFrame:
    """How much more profit a client brings if yearly retention rises by so many percent.

    Definition: "+5 % retention brings +25 to +95 % profit" is often quoted; here it is
    computed from the log. Formula: with constant churn μ and income λ a year, lifetime
    profit is first order + λ ÷ μ; retention e^−μ rises to ``(1 + more)`` times itself.
    Unit: ratio (0.3 is +30 %). Source: domain S4:472.

    Parameters
    ----------
    log, by, level, silent, margin, basis
        As in :func:`cltv_profit`.
    more : float
        Rise of yearly retention, relative.

    Returns
    -------
    DataFrame
        Interval by the jackknife, ``n`` clients, method ``constant churn``; then
        ``retention_before``, ``retention_after`` (yearly shares), ``profit_before``,
        ``profit_after`` (minor units), ``claimed_lo``, ``claimed_hi`` and ``caution``. NaN
        with ``no churn`` where nobody has left, or retention would pass 100 %.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> retention_effect(BANK, margin=0.2)[["method", "claimed_lo"]].values.tolist()
    [['no churn', 0.25]]
    """
    check_level(level)
    found, columns = clients(log, silent, basis), columns_of(by, log)
    unknown = _no_costs(log, margin)
    records = []
    for key, of in lives(log, found, columns, profit=True, margin=margin):
        numbers = constant_churn(of, np.ones(of.n, dtype=bool), more)
        estimate = NOTHING._replace(n=of.n, method=unknown or NO_CHURN)
        if numbers[0] > 0 and numbers[1] > 0 and not unknown:
            limits = jackknife(partial(_effect, of, more), of.n, level)
            value = numbers[1] / numbers[0] - 1
            estimate = Estimate(value, of.n, *limits, "constant churn")
        row = record(key, "retention_effect", "ratio", estimate, level)
        now, then, stay, longer = numbers
        counts = dict(zip(EFFECTS, (stay, longer, now, then, *CLAIM), strict=True))
        said = cautions(few(of.n), unknown, found.caution, EXTRAPOLATED)
        records.append(row | counts | {"caution": said})
    kinds = {**dict.fromkeys(EFFECTS, "float64"), "caution": "str"}
    return tidy(records, log, columns, {}, kinds)


def _effect(of: Lives, more: float, kept: Flags) -> float:
    """Relative change of lifetime profit."""
    now, then, *_ = constant_churn(of, kept, more)
    return then / now - 1


class _Asked(NamedTuple):
    """What is asked for: the measure, up to which ages, at which interest and level."""

    measure: str
    horizons: Sequence[str | None]
    discount: float
    level: float
    unsure: str


def _values(
    log: EventLog,
    asked: _Asked,
    key: dict[str, object],
    of: Lives,
    churning: str,
    unknown: str = "",
) -> list[dict[str, object]]:
    """Rows of one group: so far, then up to each horizon."""
    measure, horizons, discount, level, unsure = asked
    check_level(level)
    so_far = mean_amount(of.so_far, level)
    if unknown:
        so_far = NOTHING._replace(n=of.n, method=unknown)
    item = {**key, "horizon_d": np.nan}
    row = record(item, f"{measure}_so_far", money(log), so_far, level)
    said = cautions(few(of.n), IMMATURE, unknown, unsure)
    rows = [row | {"observed_d": of.reach / DAY, "caution": said}]
    interest = float(np.log1p(discount)) / YEAR
    for text in horizons:
        horizon = np.inf if text is None else span(text, "horizons").total_seconds()
        estimate = _value(of, horizon, interest, level)
        if unknown:
            estimate = NOTHING._replace(n=of.n, method=unknown)
        far = EXTRAPOLATED if estimate.method == "constant churn" else ""
        said = cautions(few(of.n), far, unknown, churning if far else "", unsure)
        row = record({**key, "horizon_d": horizon / DAY}, measure, money(log), estimate, level)
        rows.append(row | {"observed_d": of.reach / DAY, "caution": said})
    return rows


def _value(of: Lives, horizon: float, interest: float, level: float) -> Estimate:
    """Lifetime value up to a horizon."""
    if of.n < LEAST:
        return NOTHING._replace(n=of.n, method=TOO_FEW)
    statistic = partial(_expected, of, horizon, of.reach, interest)
    value = statistic(np.ones(of.n, dtype=bool))
    if not np.isfinite(value):
        return NOTHING._replace(n=of.n, method=NO_CHURN)
    method = "mean cumulative" if horizon <= of.reach else "constant churn"
    return Estimate(value, of.n, *jackknife(statistic, of.n, level), method)


def _expected(of: Lives, horizon: float, reach: float, interest: float, kept: Flags) -> float:
    """The statistic that the jackknife repeats."""
    return expected(of, kept, horizon, reach, interest)


def _no_costs(log: EventLog, margin: float | None) -> str:
    """Warn where neither marks nor a margin say what is profit."""
    if margin is not None:
        return ""
    spent = spending(log)
    first = clients(log).first[customers(log)[spent.lead]]
    later = spent.of_sales | (spent.when > first)
    return "" if later.any() else NO_COSTS


def _doubts(log: EventLog, found: Clients) -> str:
    """Warn of orders without a value and of leads without a customer."""
    missing = NO_VALUE if np.isnan(found.bought.value).any() else ""
    return cautions(missing, uncertain_customers(log))
