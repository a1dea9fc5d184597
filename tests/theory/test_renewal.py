"""Customers who order again and again until they leave. False alarm 1e-6 each.

A renewal process that ends: after each order a customer stays with chance ``KEEP`` and
orders again after a gamma-distributed time, whose k-fold sum is gamma as well.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from funnelsim.engine import simulate
from tests.statistical import assert_distribution, assert_mean, assert_uncorrelated
from tests.theory.bugs import fails_on
from tests.theory.models import funnel

KEEP, SHAPE, MEAN = 0.7, 4, 10  # days between orders: gamma with cv 1/2
PRICE, CV = 120, 0.5


STAGES = {
    "order": {
        "marks": [{"kind": "ordered", "value": {"mean": PRICE, "cv": CV}}, "paid"],
        "next": "use",
    },
    "use": {
        "delay_before": {"family": "gamma", "mean": f"{MEAN} d", "cv": SHAPE**-0.5},
        "next": {"advance": "order", "to": {"order": KEEP, "gone": 1 - KEEP}},
    },
    "gone": {"marks": "churned"},
}


def shop():
    """3000 customers of one week, followed for 40 more."""
    source = {"counts": {"start": "2026-01-05", "paths": [[3000]]}}
    return simulate(funnel(STAGES, source, horizon="41 w", currency="UAH"), seed=81)


def ordered(log):
    """One row an order: days since the customer came, and what it was worth."""
    orders = log.marks[log.marks["kind"] == "ordered"].merge(log.leads, on="lead_id")
    days = (orders["at"] - orders["arrived_at"]).dt.total_seconds() / 86400
    return pd.DataFrame({"lead": orders["lead_id"], "day": days, "value": orders["value"]})


def at_most(number, limit):
    """The distribution of a number when what is above the limit counts as the limit."""
    return lambda x: np.where(np.asarray(x) >= limit, 1.0, number(x))


@fails_on("branches 5 points better", "one price for all orders")
def test_the_number_of_orders_is_geometric():
    """Detects 0.09 of its distribution, 0.45 of its mean, 15 % of a customer's worth.

    Each order draws a price of its own: detects 0.05 of the distribution, a correlation of 0.2.
    """
    log = shop()
    orders = ordered(log)
    number = orders.groupby("lead").size()
    assert len(number) == 3000
    final = at_most(stats.geom(1 - KEEP).cdf, 20)
    assert_distribution(np.minimum(number, 20), final, detectable=0.09)
    assert_mean(number, 1 / (1 - KEEP), detectable=0.45)
    many = orders[orders["lead"].isin(number.index[number > 1])]
    first, second = (many.groupby("lead")["value"].nth(n).to_numpy() for n in (0, 1))
    assert (first != second).mean() > 0.99
    assert_uncorrelated(first, second, detectable=0.2)
    revenue = orders.groupby("lead")["value"].sum() / 100
    assert_mean(revenue, PRICE / (1 - KEEP), detectable=0.15 * PRICE / (1 - KEEP))
    spread = np.log1p(CV**2) ** 0.5
    price = stats.lognorm(spread, scale=PRICE * np.exp(-(spread**2) / 2)).cdf
    assert_distribution(orders["value"] / 100, price, detectable=0.05)
    churned = log.marks[log.marks["kind"] == "churned"]
    assert churned["lead_id"].is_unique
    assert len(churned) > 2980, "followed to the end"


@fails_on("no delay when a lead comes again", "delays 20 % longer")
def test_orders_in_time():
    """P(at least k + 1 orders within t) = q^k G*k(t): detects 0.09 of the distribution.

    So the same customers look loyal or lost, depending on when they are counted.
    """
    orders = ordered(shop())
    leads = orders["lead"].unique()
    for days in (8, 25, 70):
        number = orders[orders["day"] <= days].groupby("lead").size().reindex(leads)

        def within(x, days=days):
            k = np.floor(np.maximum(np.asarray(x, float), 0))
            more = KEEP**k * stats.gamma(SHAPE * np.maximum(k, 1), scale=MEAN / SHAPE).cdf(days)
            return np.where(k < 1, 0.0, 1 - more)

        assert_distribution(number, within, detectable=0.09)


@fails_on("branches 5 points better")
def test_a_steady_stream_of_customers():
    """λ new customers a day order λ / (1 - q) times a day, once the stream is steady.

    Detects 20 %.
    """
    log = simulate(
        funnel(STAGES, "12 / d", horizon="40 w", warm_up="16 w", currency="UAH"), seed=82
    )
    start = pd.Timestamp(log.meta.observed_from)
    orders = log.marks[(log.marks["kind"] == "ordered") & (log.marks["at"] >= start)]
    weekly = orders.groupby((orders["at"] - start) // pd.Timedelta(weeks=1)).size()
    assert_mean(weekly, 7 * 12 / (1 - KEEP), detectable=0.2 * 7 * 12 / (1 - KEEP))
