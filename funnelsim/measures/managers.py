"""Managers: who sells how much."""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.capacity import staffed
from funnelsim.measures.cautions import NO_VALUE, cautions, few
from funnelsim.measures.estimates import NOTHING, Estimate, mean
from funnelsim.measures.journeys import Codes, Journeys, journeys
from funnelsim.measures.purchases import Basis, Purchases, is_named, money, purchases
from funnelsim.measures.steps import Steps, area, steps
from funnelsim.measures.tables import By, check_level, columns_of, exact, record, tidy
from funnelsim.measures.timeline import Timeline, grouped, timeline

__all__ = ["Person", "sales_per_manager", "seats_staffed"]

Person = Literal["owner", "worker", "seat"]
Floats = NDArray[np.float64]
MEAN: Final = "(mean)"
NOBODY: Final = "(nobody)"
COUNTS = {"orders": "int64", "share": "float64", "caution": "str"}


def sales_per_manager(
    log: EventLog,
    *,
    by: By = (),
    every: str | None = None,
    level: float = 0.95,
    basis: Basis = "booked",
    per: Person | None = None,
) -> pd.DataFrame:
    """Sales of each manager, and the mean of all of them.

    Definition: sales per manager. Formula: Σ value of the manager's orders; the mean is
    over all managers of the group, those who sold nothing included. Unit: minor units.
    Source: domain S4:556.

    Parameters
    ----------
    log : EventLog
        Any history.
    by : str or sequence of str
        Columns of leads.
    every : str, optional
        ``"1W"``, ``"1MS"`` …: by period, with the item column ``at``.
    level : float
        Confidence level of the mean, 0 to 1.
    basis : {"booked", "paid"}
        When money counts.
    per : {"owner", "worker", "seat"}, optional
        The manager is the owner of the lead's latest visit; or the worker of its last
        piece of work begun before the order; or nobody by name, then sales are divided by
        the seats that are staffed while any is. Left out: the first that the log knows.

    Returns
    -------
    DataFrame
        Item column ``manager``: names, ``(nobody)`` for sales of no manager, and
        ``(mean)``, with Student's t interval and ``n`` managers (by ``seat``: an exact
        quotient, the only row); then ``orders``, ``share`` of the group's sales, and
        ``caution``. Managers differ in what they are given to sell: the mean says nothing
        about who is good.

    Raises
    ------
    ParameterError
        The log does not know such managers, or ``paid`` where nothing is.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> sales_per_manager(BANK)[["manager", "value", "method"]].values.tolist()
    [['(mean)', 200000.0, 'per seat']]
    """
    check_level(level)
    columns = columns_of(by, log)
    trips = journeys(log, cohort=False)
    per = _person(trips, per)
    bought, line = purchases(log, basis), timeline(log, every)
    manager = _managers(trips, bought, per)
    groups = grouped(trips.leads, columns)
    cells = groups.cells(bought.lead, line.of(bought.when), line)
    seats = seats_staffed(log, line)
    records: list[dict[str, object]] = []
    for group, period, item in groups.rows(line):
        at = cells[group][period]
        if per == "seat":
            rows = [(MEAN, _per_seat(bought.value[at], float(seats[period])), at)]
        else:
            names = _names(trips, per, groups.of == group)
            rows = _per_name(names, manager[at], bought.value[at], at, level)
        total = float(np.nansum(bought.value[at]))
        for name, estimate, mine in rows:
            missing = NO_VALUE if np.isnan(bought.value[mine]).any() else ""
            small = few(estimate.n) if name == MEAN and per != "seat" else ""
            measured = record(
                {**item, "manager": name}, "sales_per_manager", money(log), estimate, level
            )
            share = float(np.nansum(bought.value[mine])) / total if total else np.nan
            caution = cautions(small, line.caution(period), missing)
            records.append(measured | {"orders": len(mine), "share": share, "caution": caution})
    return tidy(records, log, columns, {**line.items, "manager": "str"}, COUNTS)


def seats_staffed(log: EventLog, line: Timeline) -> Floats:
    """Mean number of people at work while any of their team is, all teams together.

    Parameters
    ----------
    log : EventLog
        With staffed intervals.
    line : Timeline

    Returns
    -------
    ndarray, shape (periods,), seats
        0 where nobody is known to be staffed.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> seats_staffed(BANK, timeline(BANK, "1 d")).tolist()
    [2.0, 2.0, 2.0]
    """
    found = np.zeros(line.n)
    for team in log.meta.teams:
        level = steps(*staffed(team))
        manned = area(Steps(level.times, np.minimum(level.levels, 1)), line.cuts)
        worked = area(level, line.cuts)
        found += np.divide(worked, manned, out=np.zeros(line.n), where=manned > 0)
    return found


def _person(trips: Journeys, per: Person | None) -> Person:
    """What a manager is: as asked for, or the first that the log knows."""
    known = {
        "owner": is_named(trips.leads["owner"]).any(),
        "worker": is_named(trips.efforts["worker"]).any(),
        "seat": True,
    }
    if per is None:
        return next(name for name in get_args(Person) if known[name])
    if not known.get(per, False):
        can = ", ".join(name for name in known if known[name])
        raise ParameterError(Problem(f"per={per!r}: the log names none", fix=f"Use one of: {can}"))
    return per


def _managers(trips: Journeys, bought: Purchases, per: Person) -> NDArray[np.object_]:
    """Name of the manager behind each order; empty for nobody."""
    if per == "worker":
        work = trips.efforts[is_named(trips.efforts["worker"])]
        done = work[["lead", "started", "worker"]].sort_values("started", kind="stable")
        order = pd.DataFrame({"lead": bought.lead, "started": bought.when})
        name = pd.merge_asof(order, done, on="started", by="lead")["worker"]
    else:
        name = trips.leads["owner"].iloc[bought.lead]
    return name.astype("str").fillna("").to_numpy(dtype=object)


def _names(trips: Journeys, per: Person, here: NDArray[np.bool_]) -> list[str]:
    """Everybody who could have sold to these leads, in order."""
    if per == "worker":
        given = trips.efforts["worker"][here[trips.efforts["lead"].to_numpy()]]
    else:
        given = trips.leads["owner"][here]
    given = given.astype("str")
    return sorted(given[is_named(given)].unique())


def _per_name(
    names: list[str], manager: NDArray[np.object_], value: Floats, at: Codes, level: float
) -> list[tuple[str, Estimate, Codes]]:
    """Name, sales and orders of each manager, of nobody, and the mean."""
    rows = []
    for name in [*names, *([""] if "" in manager else [])]:
        mine = manager == name
        sold = exact(float(np.nansum(value[mine])), int(mine.sum()))
        rows.append((name or NOBODY, sold, at[mine]))
    each = np.array([sold.value for name, sold, _ in rows if name != NOBODY], dtype=np.float64)
    return [*rows, (MEAN, mean(each, level), at)]


def _per_seat(value: Floats, seats: float) -> Estimate:
    """Sales divided by seats."""
    if not seats:
        return NOTHING._replace(n=len(value))
    return Estimate(float(np.nansum(value)) / seats, len(value), np.nan, np.nan, "per seat")
