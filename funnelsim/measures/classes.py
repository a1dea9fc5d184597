"""ABC analysis: which products make the sales, and which drift from A to C.

Sorted by sales, products are A until four fifths of all sales are reached, B until 95 %,
C after that; the one that crosses a limit still belongs to the class above. Custom orders
and one-off wholesale say nothing about a product's standing and can be left out: by a
column of leads that marks them, or because they are far larger than the product's usual
order.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.errors import ParameterError, Problem
from funnelsim.events import EventLog
from funnelsim.measures.cautions import CANNOT_TELL, UNEQUAL, cautions, few
from funnelsim.measures.estimates import Estimate
from funnelsim.measures.journeys import Micros, journeys, window
from funnelsim.measures.purchases import Purchases, money, purchases
from funnelsim.measures.tables import By, check_level, columns_of, exact, record, tidy
from funnelsim.measures.timeline import Between, grouped, two_periods

__all__ = ["abc_classes", "abc_drift"]

Floats = NDArray[np.float64]
Names = NDArray[np.object_]
LIMITS: Final = (0.8, 0.95)
CLASSES: Final = "ABC"
STANDING = {"share": "float64", "running": "float64", "class": "str"}
LEFT_OUT = {"left_out": "int64", "left_out_value": "float64", "caution": "str"}
DRIFT = {
    **dict.fromkeys(["before", "after", "share_before", "share_after"], "float64"),
    **dict.fromkeys(["class_before", "class_after", "moved"], "str"),
}


def abc_classes(
    log: EventLog,
    *,
    item: str = "product",
    by: By = (),
    limits: tuple[float, float] = LIMITS,
    one_off: str | float | None = None,
) -> pd.DataFrame:
    """Products, or anything else, in order of their sales, with their ABC class.

    Definition: position of goods by group. Formula: A while the running share of sales
    before the item is below ``limits[0]``, B below ``limits[1]``, C after. Unit: minor
    units. Source: domain S3:4, S3:13, S3:18.

    Parameters
    ----------
    log : EventLog
        Any history; orders inside the window.
    item : str
        Column of leads: ``product``, ``segment``, ``customer_id`` …
    by : str or sequence of str
        Columns of leads; classes are made within each group.
    limits : tuple of float
        Running shares at which A and B end, 0 to 1.
    one_off : str or float, optional
        Which orders to leave out: a column of leads that is true for custom orders and
        one-off wholesale; or a number, orders of more than so many times the item's
        median order.

    Returns
    -------
    DataFrame
        Item column ``item``, largest sales first; value in minor units, ``n`` orders; then
        ``share`` and ``running`` (share and running share of the group's sales),
        ``class``, ``left_out`` (orders) and ``left_out_value`` (minor units), and
        ``caution``. An item without sales is C. Value and ``left_out_value`` add up to
        :func:`funnelsim.measures.total_sales`.

    Raises
    ------
    ParameterError
        An unknown column, or limits that are none.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> abc_classes(BANK, item="source")[["item", "value", "class"]].values.tolist()
    [['branch', 300000.0, 'A'], ['web', 100000.0, 'A']]
    """
    columns = tuple(name for name in columns_of(by, log) if name != item)
    _check_limits(limits)
    names = _names(log, item)
    groups = grouped(journeys(log, cohort=False).leads, columns)
    bought = purchases(log)
    since, until = window(log)
    inside = (bought.when >= since) & (bought.when <= until)
    kept = ~_one_off(log, bought, names, one_off)
    value = np.nan_to_num(bought.value)
    records = []
    for group, key in enumerate(groups.keys):
        mine = inside & (groups.of[bought.lead] == group)
        sold = _sold(names[groups.of == group], names[bought.lead], value, mine & kept)
        out = _sold(names[groups.of == group], names[bought.lead], value, mine & ~kept)
        for name, standing in zip(sold.index, _standing(sold, limits), strict=True):
            estimate = exact(float(sold["value"][name]), int(sold["n"][name]))
            row = record({**key, "item": name}, "abc_classes", money(log), estimate, level=0)
            left = {"left_out": out["n"][name], "left_out_value": out["value"][name]}
            records.append(row | standing | left | {"caution": few(estimate.n)})
    return tidy(records, log, columns, {"item": "str"}, {**STANDING, **LEFT_OUT})


def abc_drift(
    log: EventLog,
    *,
    item: str = "product",
    by: By = (),
    before: Between | None = None,
    after: Between | None = None,
    level: float = 0.95,
    limits: tuple[float, float] = LIMITS,
    one_off: str | float | None = None,
) -> pd.DataFrame:
    """How products moved between the ABC classes from one period to another.

    Definition: A items drift to C with fashion, season and trend. Formula: classes as in
    :func:`abc_classes` in each period; value = sales after − sales before. Unit: minor
    units. Source: domain S3:4, S3:13, S3:18.

    Parameters
    ----------
    log, item, by, limits, one_off
        As in :func:`abc_classes`.
    before, after : tuple of two str, optional
        Begin and end of the periods, such as ``("2024-01-01", "2024-04-01")``; left out:
        the halves of the window.
    level : float
        Confidence level of the change, 0 to 1.

    Returns
    -------
    DataFrame
        Item column ``item``; ``n`` orders of both periods, interval with orders taken as
        independent; then ``before`` and ``after`` (sales, minor units), ``share_before``,
        ``share_after``, ``class_before``, ``class_after`` (empty without sales),
        ``moved`` (``same``, ``down``, ``up``, ``new``, ``gone``) and ``caution``:
        ``cannot tell`` where chance alone explains the change of sales, ``unequal`` for
        periods of different length. By sales before, the largest first.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> table = abc_drift(BANK, item="source")
    >>> table[["item", "before", "after", "moved"]].values.tolist()
    [['branch', 0.0, 300000.0, 'new'], ['web', 0.0, 100000.0, 'new']]
    """
    check_level(level)
    columns = tuple(name for name in columns_of(by, log) if name != item)
    _check_limits(limits)
    names = _names(log, item)
    groups = grouped(journeys(log, cohort=False).leads, columns)
    bought = purchases(log)
    periods = two_periods(log, before, after)
    kept = ~_one_off(log, bought, names, one_off)
    value = np.nan_to_num(bought.value)
    unequal = UNEQUAL if np.ptp([np.diff(one)[0] for one in periods]) > 0 else ""
    records = []
    for group, key in enumerate(groups.keys):
        mine = kept & (groups.of[bought.lead] == group)
        sides = []
        for period in periods:
            chosen = mine & _during(log, bought, period)
            sold = _sold(names[groups.of == group], names[bought.lead], value, chosen)
            standing = pd.DataFrame(_standing(sold, limits), index=sold.index)
            sides.append(sold.join(standing))
        for name in sides[0].index:
            old, new = (side.loc[name] for side in sides)
            estimate, moved = _change(old, new, level), _moved(old, new)
            unclear = CANNOT_TELL if moved != "same" and estimate.lo <= 0 <= estimate.hi else ""
            row = record({**key, "item": name}, "abc_drift", money(log), estimate, level)
            numbers = (old["value"], new["value"], old["share"], new["share"])
            classes = (old["class"] if old["n"] else "", new["class"] if new["n"] else "", moved)
            counts = dict(zip(DRIFT, (*numbers, *classes), strict=True))
            said = cautions(few(estimate.n), unclear, unequal)
            records.append(row | counts | {"caution": said})
    return tidy(records, log, columns, {"item": "str"}, {**DRIFT, "caution": "str"})


def _check_limits(limits: tuple[float, float]) -> None:
    """Refuse limits that are no running shares."""
    if not 0 < limits[0] < limits[1] <= 1:
        fix = "For example (0.8, 0.95)"
        raise ParameterError(Problem(f"limits={limits!r} are no two running shares", fix=fix))


def _names(log: EventLog, item: str) -> Names:
    """Name of each lead's item, empty where it has none."""
    columns_of(item, log)
    values = log.leads[item]
    return np.where(values.isna(), "", values.astype("str")).astype(object)


def _during(log: EventLog, bought: Purchases, period: Micros) -> NDArray[np.bool_]:
    """Which orders fall into a period; the end of the log belongs to its last one."""
    start, end = (int(moment) for moment in period)
    beyond = end + (end == window(log)[1])
    found: NDArray[np.bool_] = (bought.when >= start) & (bought.when < beyond)
    return found


def _one_off(
    log: EventLog, bought: Purchases, names: Names, one_off: str | float | None
) -> NDArray[np.bool_]:
    """Which orders are custom, one-off wholesale, or far too large."""
    if one_off is None:
        return np.zeros(len(bought.lead), dtype=bool)
    if not isinstance(one_off, str):
        value = pd.Series(bought.value)
        usual = value.groupby(names[bought.lead]).transform("median")
        return np.asarray(value > one_off * usual, dtype=bool)
    columns_of(one_off, log)
    flags = log.leads[one_off]
    if flags.dtype != "boolean":
        fix = "Use a column of leads that is true or false, or a number"
        raise ParameterError(Problem(f"one_off={one_off!r} is no yes or no", fix=fix))
    marked: NDArray[np.bool_] = flags.fillna(value=False).to_numpy(dtype=bool)
    return marked[bought.lead]


def _sold(known: Names, names: Names, value: Floats, chosen: NDArray[np.bool_]) -> pd.DataFrame:
    """Sales and orders of each known item; largest sales first, then by name."""
    each = pd.DataFrame({"item": names[chosen], "value": value[chosen]})
    squares = each.assign(square=each["value"] ** 2)
    table = squares.groupby("item").agg(
        value=("value", "sum"), n=("value", "size"), square=("square", "sum")
    )
    table = table.reindex(sorted(set(known))).fillna(0.0)
    return table.sort_values("value", ascending=False, kind="stable")


def _standing(sold: pd.DataFrame, limits: tuple[float, float]) -> list[dict[str, object]]:
    """Share, running share and class of items in order."""
    value = sold["value"].to_numpy(np.float64)
    total = float(value.sum())
    if total <= 0:
        return [{"share": np.nan, "running": np.nan, "class": "C"} for _ in value]
    running = np.cumsum(value) / total
    place = np.searchsorted(limits, running - value / total + 1e-12, side="right")
    place = np.where(value > 0, place, len(limits))
    return [
        {"share": share, "running": up_to, "class": CLASSES[at]}
        for share, up_to, at in zip(value / total, running, place, strict=True)
    ]


def _change(old: pd.Series, new: pd.Series, level: float) -> Estimate:
    """Change of one item's sales."""
    from scipy.special import ndtri

    change = float(new["value"] - old["value"])
    margin = float(ndtri((1 + level) / 2) * np.sqrt(old["square"] + new["square"]))
    n = int(old["n"] + new["n"])
    return Estimate(change, n, change - margin, change + margin, "compound Poisson")


def _moved(old: pd.Series, new: pd.Series) -> str:
    """How one item moved between the classes."""
    if old["n"] and new["n"]:
        if old["class"] == new["class"]:
            return "same"
        return "down" if new["class"] > old["class"] else "up"
    return "gone" if old["n"] else ("new" if new["n"] else "same")
