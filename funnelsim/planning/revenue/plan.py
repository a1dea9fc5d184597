"""A plan: what should be won by period, for all or by product, source and segment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from funnelsim.documents import did_you_mean
from funnelsim.errors import DataError, ParameterError, Problem
from funnelsim.planning.revenue.bottom_up import GROUPS
from funnelsim.planning.revenue.cells import FREQUENCIES, Cells, Freq

__all__ = ["Plan", "precision", "read_plan"]

Plan = float | pd.DataFrame | str | Path
"""A number for every period, or a table, or a file with one."""
CALLED: Final = {"channel": "source", "quarter": "period", "month": "period", "week": "period"}
AMOUNTS: Final = ("plan", "target", "value", "amount")


def read_plan(plan: Plan, cells: Cells, currency: str, known: pd.DataFrame) -> pd.DataFrame:
    """Read a plan and hold it against the horizon.

    Parameters
    ----------
    plan : float, DataFrame, str or Path
        A number counts for every period that ends within the horizon. A table (or a CSV or
        Excel file) has a column ``plan`` and, as far as it says so, ``period`` (``2026-04``,
        ``2026-Q2``, a day of the week meant), ``product``, ``source`` (or ``channel``),
        ``segment``; without a period a row counts for every one. Amounts are whole units of
        the currency, not cents.
    cells : Cells
    currency : str
    known : pandas.DataFrame
        Columns `GROUPS`: what the funnel knows.

    Returns
    -------
    pandas.DataFrame
        ``period``, the columns that tell cells of the plan apart, ``plan`` (minor units).

    Raises
    ------
    InputError
        Columns, periods, numbers and names that are wrong, all at once: also a period that
        ends after the horizon, or was over at the start.

    Examples
    --------
    >>> from funnelsim.planning.revenue.cells import cells_between
    >>> start, end = (pd.Timestamp(day, tz="UTC") for day in ("2026-01-01", "2026-03-01"))
    >>> cells = cells_between(start, end, "UTC", "month")
    >>> read_plan(1000, cells, "EUR", pd.DataFrame(columns=GROUPS)).astype(str).to_numpy().tolist()
    [['2026-01', '100000.0'], ['2026-02', '100000.0']]
    """
    whole = pd.PeriodIndex(cells.periods()[cells.whole()].unique())
    scale = 10.0 ** precision(currency)
    if isinstance(plan, (int, float)) and not isinstance(plan, bool):
        _positive([float(plan)])
        _some(whole, cells)
        return pd.DataFrame({"period": whole, "plan": float(plan) * scale})
    table, where = _table(plan)
    problems = _columns(table, where)
    if problems:
        raise DataError(problems)
    column = next(name for name in AMOUNTS if name in table)
    amounts = pd.to_numeric(table[column], errors="coerce")
    for row, value in enumerate(table[column]):
        if not amounts.iloc[row] >= 0:
            problems.append(
                Problem(f'"{value}" is no amount', f"{where} row {row + 2}".strip(), column)
            )
    by = [name for name in GROUPS if name in table]
    made = table[by].fillna("").astype("str").assign(plan=amounts * scale)
    if "period" in table:
        periods, wrong = _periods(table["period"], cells, where)
        problems += wrong
        made.insert(0, "period", periods)
    problems += _names(made, by, known, where)
    if problems:
        raise ParameterError(problems)
    if "period" not in table:
        _some(whole, cells)
        made = made.merge(pd.DataFrame({"period": whole}), how="cross")
    twice = made.duplicated(["period", *by])
    if twice.any():
        cell = " / ".join(made.loc[twice, ["period", *by]].iloc[0].astype("str"))
        message = f"planned twice: {cell}"
        raise ParameterError(Problem(message, where, "plan", "Add the amounts up."))
    return made[["period", *by, "plan"]].reset_index(drop=True)


def precision(currency: str) -> int:
    """Digits between minor units and whole ones."""
    from babel.numbers import get_currency_precision

    return int(get_currency_precision(currency)) if currency else 2


def _table(plan: pd.DataFrame | str | Path | object) -> tuple[pd.DataFrame, str]:
    """The table of a plan with the names of its columns in lower case, and where it is from."""
    if isinstance(plan, pd.DataFrame):
        table, where = plan.copy(), ""
    elif isinstance(plan, (str, Path)):
        path = Path(plan)
        where = path.name
        if not path.is_file():
            raise DataError(Problem("there is no such file", str(plan), "plan"))
        excel = path.suffix.lower() in {".xlsx", ".xlsm"}
        try:
            table = pd.read_excel(path, dtype=str) if excel else pd.read_csv(path, dtype=str)
        except (ValueError, OSError, UnicodeDecodeError) as wrong:
            fix = "Give a CSV or Excel file with a row of headings."
            raise DataError(Problem(f"cannot be read ({wrong})", where, "plan", fix)) from wrong
    else:
        message = f"{plan!r} is no plan"
        fix = "Give a number, a table, or a file with one."
        raise ParameterError(Problem(message, path="plan", fix=fix))
    names = [str(name).strip().lower() for name in table.columns]
    return table.set_axis([CALLED.get(name, name) for name in names], axis=1), where


def _columns(table: pd.DataFrame, where: str) -> list[Problem]:
    """What is wrong with the columns."""
    problems = []
    allowed = ("plan", "period", *GROUPS)
    if not any(name in table for name in AMOUNTS):
        fix = "Name it plan, and give amounts in whole units of the currency."
        problems.append(Problem("no column holds the amounts", where, "plan", fix))
    for name in table.columns:
        if name not in allowed and name not in AMOUNTS:
            fix = did_you_mean(name, [*allowed, "channel"], limit=6)
            problems.append(Problem(f'unknown column "{name}"', where, "plan", fix))
    if not len(table):
        problems.append(Problem("the plan has no rows", where, "plan"))
    return problems


def _periods(
    column: pd.Series, cells: Cells, where: str
) -> tuple[list[pd.Period | None], list[Problem]]:
    """The periods of a plan, and what is wrong with them."""
    known = cells.periods()
    last = known[cells.whole()]
    found: list[pd.Period | None] = []
    unread, late, early = [], [], []
    for value in column:
        period = _period(value, cells.freq)
        found.append(period)
        if period is None:
            unread.append(str(value))
        elif period < known[0]:
            early.append(str(value))
        elif not len(last) or period > last[-1]:
            late.append(str(value))
    problems = []
    if unread:
        what = {"month": "2026-04", "quarter": "2026-Q2", "week": "the week's Monday, 2026-04-06"}
        fix = f"Write {what[cells.freq]}."
        message = f"no {cells.freq}: {_some_of(unread)}"
        problems.append(Problem(message, where, "plan.period", fix))
    end = cells.cuts[-1].tz_convert(cells.zone).date()
    if late:
        message = f"planned for periods that end after the horizon ({end}): {_some_of(late)}"
        fix = "Take a longer horizon, or leave them out."
        problems.append(Problem(message, where, "plan.period", fix))
    if early:
        begin = cells.cuts[0].tz_convert(cells.zone).date()
        message = f"planned for periods that were over at the start ({begin}): {_some_of(early)}"
        problems.append(Problem(message, where, "plan.period", "Leave them out."))
    return found, problems


def _period(value: object, freq: Freq) -> pd.Period | None:
    """A period as it is written; a day stands for the period it lies in."""
    if isinstance(value, pd.Period):
        return value if value.freqstr.split("-")[0] == FREQUENCIES[freq].split("-")[0] else None
    try:
        made = pd.Period(str(value).strip().replace(" ", ""))
    except ValueError:
        return None
    longer = {"Y": 4, "Q": 3, "M": 2, "W": 1}.get(made.freqstr[0], 0)
    wanted = {"Q": 3, "M": 2, "W": 1}[FREQUENCIES[freq][0]]
    if longer > wanted or (0 < longer < wanted):
        return None
    day = made.start_time
    return pd.Period(day, freq=FREQUENCIES[freq])


def _names(made: pd.DataFrame, by: Sequence[str], known: pd.DataFrame, where: str) -> list[Problem]:
    """Products, sources and segments that nobody knows."""
    problems = []
    for name in by:
        there = sorted({str(value) for value in known[name].dropna() if str(value)})
        for value in dict.fromkeys(made[name]):
            if value and value not in there:
                fix = did_you_mean(value, there, limit=8)
                message = f'there is no {name} "{value}"'
                problems.append(Problem(message, where, f"plan.{name}", fix))
    return problems


def _positive(amounts: Sequence[float]) -> None:
    """Refuse negative plans and numbers that are none."""
    for amount in amounts:
        if not 0 <= amount < float("inf"):
            fix = "Give an amount of 0 or more."
            raise ParameterError(Problem(f"the plan is {amount!r}", path="plan", fix=fix))


def _some(whole: pd.PeriodIndex, cells: Cells) -> None:
    """Refuse a plan for every period where none ends in the horizon."""
    if not len(whole):
        message = f"no whole {cells.freq} ends within the horizon"
        fix = "Take a longer horizon or shorter periods."
        raise ParameterError(Problem(message, path="plan", fix=fix))


def _some_of(values: Sequence[str]) -> str:
    """The first few of a list."""
    few = list(dict.fromkeys(values))
    return ", ".join(few[:4]) + (f" and {len(few) - 4} more" if len(few) > 4 else "")  # noqa: PLR2004
