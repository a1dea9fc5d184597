"""A/B comparison: two arms of a test, or two periods, with an honest "cannot tell".

Both sides are judged by what their leads did within the same time after they arrived:
otherwise the side that came first looks better just because it is older. By default that
is the time for which at least half of the leads of every side could be followed.

Two arms can be compared if chance decided who got which. Two periods differ in everything
else too: season, prices, people. And looking every day until a difference appears finds
one for certain: settle the number of leads (``needed``) before you begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.cautions import CANNOT_TELL, cautions, few
from funnelsim.measures.estimates import NOTHING, Estimate, effective_size
from funnelsim.measures.happenings import ARRIVED, BOUGHT
from funnelsim.measures.journeys import Codes, journeys
from funnelsim.measures.milestones import Course, course, share_of
from funnelsim.measures.purchases import money, purchases
from funnelsim.measures.tables import By, check_level, columns_of, record, span, tidy
from funnelsim.measures.timeline import Between, grouped, two_periods

__all__ = ["compare_arms", "compare_periods"]

Floats = NDArray[np.float64]
Outcome = Literal["conversion", "value"]
POWER: Final = 0.8
UPLIFT: Final = 0.1
NAN: Final = float("nan")
COUNTS = {
    **dict.fromkeys(["in_arm", "in_baseline"], "float64"),
    **dict.fromkeys(["n_arm", "n_baseline"], "int64"),
    **dict.fromkeys(["p_value", "detectable", "needed", "within_d"], "float64"),
    **dict.fromkeys(["verdict", "caution"], "str"),
}


class Side(NamedTuple):
    """One side of a comparison: what it shows, on how many leads, with which spread."""

    value: float
    n: int
    size: float
    spread: float
    each: Floats


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: of which outcome, within which time, at which level."""

    outcome: Outcome
    limit: float | None
    level: float
    uplift: float


def compare_arms(
    log: EventLog,
    arm: str,
    *,
    baseline: str | None = None,
    by: By = (),
    outcome: Outcome = "conversion",
    within: str | None = None,
    level: float = 0.95,
    uplift: float = UPLIFT,
) -> pd.DataFrame:
    """Compare arms of a test: conversion to buyers, or sales per lead.

    Definition: A/B test. Formula: value of the arm − value of the baseline. Unit: share
    points (0.01 is one point), or minor units per lead. Source: domain S1:20, S4:739,
    S4:506.

    Parameters
    ----------
    log : EventLog
        Any history.
    arm : str
        Column of leads that says which arm a lead is in.
    baseline : str, optional
        The arm to compare with; left out: the first by name.
    by : str or sequence of str
        Columns of leads. Every further group is a further chance to be fooled.
    outcome : {"conversion", "value"}
        Share of leads that buy, or what a lead buys, nothing being 0.
    within : str, optional
        Elapsed time from arrival, ``"30 d"``; left out: as in the module's text.
    level : float
        Confidence level, 0 to 1; with several arms Bonferroni's share of it.
    uplift : float
        Relative change worth finding, 0.1 for +10 %; ``needed`` is for this.

    Returns
    -------
    DataFrame
        One row per arm but the baseline: item columns ``arm`` and ``baseline``; value = the
        difference, ``n`` leads of both; conversion: Newcombe's interval, at the size that
        open leads leave; value: Welch's. Then ``in_arm``, ``in_baseline`` (their values),
        ``n_arm``, ``n_baseline``, ``p_value`` (pooled z; Welch; times the number of
        comparisons), ``detectable`` (the smallest difference that so many leads show four
        times in five), ``needed`` (leads *per arm* to show ``uplift`` so often),
        ``within_d`` (days), ``verdict`` (``higher``, ``lower``, ``cannot tell``: the
        interval holds 0, which is no proof that there is no difference) and ``caution``.

    Raises
    ------
    ParameterError
        An unknown column, arm or outcome.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17: 873–890, method 10; Welch (1947),
    Biometrika 34: 28–35; sample size: Fleiss, Levin & Paik (2003), ch. 4.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = compare_arms(BANK, "source")
    >>> table[["arm", "baseline", "verdict"]].values.tolist()
    [['web', 'branch', 'cannot tell']]
    """
    columns = tuple(name for name in columns_of(by, log) if name != arm)
    columns_of(arm, log)
    names = log.leads[arm].astype("str").to_numpy(dtype=object)
    known = sorted({str(name) for name in names[log.leads[arm].notna().to_numpy()]})
    if baseline is not None and baseline not in known:
        fix = f"{arm} is one of: {', '.join(known) or 'nothing'}"
        raise ParameterError(Problem(f"baseline={baseline!r} is no arm", fix=fix))
    first = [baseline] if baseline is not None else known[:1]
    order = [*first, *(name for name in known if name not in first)]
    code = np.array([order.index(name) if name in order else -1 for name in names], dtype=np.intp)
    question = _question(outcome, within, level, uplift)
    return _compare(log, "compare_arms", columns, code, order, question)


def compare_periods(
    log: EventLog,
    *,
    before: Between | None = None,
    after: Between | None = None,
    by: By = (),
    outcome: Outcome = "conversion",
    within: str | None = None,
    level: float = 0.95,
    uplift: float = UPLIFT,
) -> pd.DataFrame:
    """Compare the leads of two periods, to see whether it is better after than before.

    Definition: effect of an innovation by what changed in the funnel. Formula and unit: as
    :func:`compare_arms`, ``after`` against ``before``, by arrival. Source: domain S2:77,
    S0:114.

    Parameters
    ----------
    log, by, outcome, within, level, uplift
        As in :func:`compare_arms`.
    before, after : tuple of two str, optional
        Begin and end, ``("2024-01-01", "2024-04-01")``; left out: the halves of the window.

    Returns
    -------
    DataFrame
        As :func:`compare_arms`, with one row a group.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> compare_periods(BANK)[["arm", "baseline", "verdict"]].values.tolist()
    [['after', 'before', 'cannot tell']]
    """
    columns = columns_of(by, log)
    arrived = journeys(log, cohort=False).ends["arrived"].to_numpy()
    code = np.full(len(arrived), -1)
    for number, (start, end) in enumerate(two_periods(log, before, after)):
        code[(arrived >= start) & (arrived < end)] = number
    question = _question(outcome, within, level, uplift)
    return _compare(log, "compare_periods", columns, code, ["before", "after"], question)


def _question(outcome: Outcome, within: str | None, level: float, uplift: float) -> Question:
    """Refuse what cannot be asked."""
    check_level(level)
    if outcome not in get_args(Outcome):
        fix = f"Use {' or '.join(get_args(Outcome))}"
        raise ParameterError(Problem(f"outcome={outcome!r} is nothing to compare", fix=fix))
    if not uplift > 0:
        raise ParameterError(Problem(f"uplift={uplift!r} is no change", fix="Write 0.1 for +10 %"))
    limit = None if within is None else span(within, "within").total_seconds()
    return Question(outcome, limit, level, uplift)


def _compare(
    log: EventLog,
    measure: str,
    columns: tuple[str, ...],
    code: Codes,
    order: list[str],
    question: Question,
) -> pd.DataFrame:
    """Rows by group and arm; ``code`` is each lead's arm, 0 the baseline, -1 none."""
    went = course(log, ARRIVED, BOUGHT)
    groups = grouped(journeys(log, cohort=False).leads, columns)
    unit = "share points" if question.outcome == "conversion" else f"{money(log)}/lead"
    strict = 1 - (1 - question.level) / max(len(order) - 1, 1)
    records: list[dict[str, object]] = []
    for group, key in enumerate(groups.keys):
        mine = [
            np.flatnonzero((groups.of[went.lead] == group) & (code[went.lead] == number))
            for number in range(len(order))
        ]
        follow_up = [float(np.median(went.follow_up[at])) for at in mine if len(at)]
        limit = question.limit if question.limit is not None else min(follow_up, default=0.0)
        sides = [_side(log, went, at, limit, question) for at in mine]
        for name, side in zip(order[1:], sides[1:], strict=True):
            estimate, p_value = _difference(side, sides[0], question.outcome, strict)
            verdict = CANNOT_TELL
            if not estimate.lo <= 0 <= estimate.hi and not np.isnan(estimate.lo):
                verdict = "higher" if estimate.value > 0 else "lower"
            item = {**key, "arm": name, "baseline": order[0]}
            row = record(item, measure, unit, estimate, question.level)
            counts = {
                "in_arm": side.value,
                "in_baseline": sides[0].value,
                "n_arm": side.n,
                "n_baseline": sides[0].n,
                "p_value": min(1.0, p_value * (len(order) - 1)),
                "detectable": _detectable(side, sides[0], strict),
                "needed": _needed(sides[0], question, strict),
                "within_d": limit / 86_400,
                "verdict": verdict,
                "caution": cautions(few(min(side.n, sides[0].n))),
            }
            records.append(row | counts)
    return tidy(records, log, columns, {"arm": "str", "baseline": "str"}, COUNTS)


def _side(log: EventLog, went: Course, at: Codes, limit: float, question: Question) -> Side:
    """What one side shows within a time after arrival."""
    if question.outcome == "conversion":
        estimate, seen = share_of(went.until(limit), at, question.level)
        weight = seen.weight
        size = float(seen.n) if seen.complete or not weight.any() else effective_size(weight)
        share = estimate.value
        return Side(share, len(at), size, (share * (1 - share)) ** 0.5, np.array([]))
    bought = purchases(log)
    place = np.full(len(log.leads), -1)
    old = at[went.follow_up[at] >= limit]  # the others may still buy within the time
    place[went.lead[old]] = np.arange(len(old))
    since = np.zeros(len(log.leads), dtype=np.int64)
    since[went.lead] = went.since
    here = (place[bought.lead] >= 0) & (bought.when - since[bought.lead] <= limit * 1e6)
    each = np.zeros(len(old))
    np.add.at(each, place[bought.lead[here]], np.nan_to_num(bought.value[here]))
    spread = float(each.std(ddof=1)) if len(each) > 1 else NAN
    value = float(each.mean()) if len(each) else NAN
    return Side(value, len(old), float(len(old)), spread, each)


def _difference(one: Side, base: Side, outcome: Outcome, level: float) -> tuple[Estimate, float]:
    """Difference of two sides with its interval, and the p-value of no difference."""
    n = one.n + base.n
    if np.isnan(one.value) or np.isnan(base.value):
        return NOTHING._replace(n=n), NAN
    change = one.value - base.value
    if outcome == "conversion":
        from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

        counts = (one.value * one.size, base.value * base.size)
        pairs = (counts[0], one.size, counts[1], base.size)
        lo, hi = confint_proportions_2indep(*pairs, method="newcomb", alpha=1 - level)
        p_value = 1.0
        if 0 < sum(counts) < one.size + base.size:
            p_value = float(proportions_ztest(counts, (one.size, base.size))[1])
        lo, hi = min(float(lo), change), max(float(hi), change)
        return Estimate(change, n, lo, hi, "Newcombe"), p_value
    if min(one.n, base.n) < 2 or not one.spread + base.spread > 0:  # noqa: PLR2004 - a spread needs two
        return Estimate(change, n, NAN, NAN, "Welch"), NAN
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    both = CompareMeans(DescrStatsW(one.each), DescrStatsW(base.each))
    lo, hi = both.tconfint_diff(alpha=1 - level, usevar="unequal")
    p_value = float(both.ttest_ind(usevar="unequal")[1])
    return Estimate(change, n, float(lo), float(hi), "Welch"), p_value


def _detectable(one: Side, base: Side, level: float) -> float:
    """The smallest difference that shows four times in five."""
    from scipy.special import ndtri

    if min(one.size, base.size) < 1 or np.isnan(base.spread):
        return NAN
    reach = float(ndtri((1 + level) / 2) + ndtri(POWER))
    return float(reach * base.spread * (1 / one.size + 1 / base.size) ** 0.5)


def _needed(base: Side, question: Question, level: float) -> float:
    """Leads per arm to show the uplift four times in five."""
    change = question.uplift * base.value
    if not change > 0 or not base.spread > 0:
        return NAN
    if question.outcome == "conversion":
        from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

        if base.value + change >= 1:
            return NAN
        size = samplesize_proportions_2indep_onetail(change, base.value, POWER, alpha=1 - level)
        return float(np.ceil(size))
    from scipy.special import ndtri

    reach = float(ndtri((1 + level) / 2) + ndtri(POWER))
    return float(np.ceil(2 * (reach * base.spread / change) ** 2))
