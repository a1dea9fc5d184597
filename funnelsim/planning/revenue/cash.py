"""When won deals are paid: learned from past payments, applied to what is won."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog

__all__ = ["Payments", "payments"]

Floats = NDArray[np.float64]

DAY = 86_400.0


@dataclass(frozen=True, eq=False)
class Payments:
    """How long won deals wait for their money; made by `payments`.

    Parameters
    ----------
    days : ndarray, shape (k,)
        Delays at which payments came, rising.
    paid : ndarray, shape (k,)
        Share paid by then (1 − Kaplan–Meier: deals not paid yet count).
    ratio : float
        Money paid per money won.
    owed : pandas.DataFrame
        Won and not paid at the cutoff: ``lead_id``, ``won_at``, ``value``.
    n : int
        Payments seen.
    """

    days: Floats
    paid: Floats
    ratio: float
    owed: pd.DataFrame
    n: int

    @property
    def median(self) -> float:
        """Days until half of the deals are paid; infinite where fewer ever are."""
        place = int(np.searchsorted(self.paid, 0.5))
        return float(self.days[place]) if place < len(self.days) else float("inf")

    def draw(self, age: Floats, rng: np.random.Generator) -> Floats:
        """Draw delays from winning to payment, in days, of deals unpaid for so long.

        Parameters
        ----------
        age : ndarray
            Days since winning, 0 for deals won just now.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray
            Infinite: never, or later than anybody has been seen to pay.
        """
        so_far = np.concatenate([[0.0], self.paid])[np.searchsorted(self.days, age, side="right")]
        u = so_far + (1 - so_far) * rng.random(len(age))
        place = np.searchsorted(self.paid, u, side="left")
        return np.append(self.days, np.inf)[place]


def payments(history: EventLog) -> Payments | None:
    """Learn from past payments.

    Parameters
    ----------
    history : EventLog
        Ends at the cutoff.

    Returns
    -------
    Payments or None
        None where no won deal is marked ``paid``.

    References
    ----------
    Kaplan & Meier (1958), Journal of the American Statistical Association 53: 457–481.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> payments(BANK) is None
    True
    """
    outcomes = history.outcomes()
    won = outcomes.loc[outcomes["outcome"] == "won", ["lead_id", "closed_at", "value"]]
    marks = history.marks[history.marks["kind"] == "paid"]
    marks = marks[marks["lead_id"].isin(won["lead_id"])].sort_values("at", kind="stable")
    if not len(marks):
        return None
    first = marks.groupby("lead_id")["at"].min()
    until = pd.Timestamp(history.meta.observed_until)
    at = won["lead_id"].map(first)
    waited = ((at.fillna(until) - won["closed_at"]).dt.total_seconds() / DAY).clip(lower=0)
    days, share = _share_paid(np.asarray(waited, dtype=float), at.notna().to_numpy())
    money = marks.drop_duplicates("lead_id").set_index("lead_id")["value"].astype("Float64")
    both = won.set_index("lead_id")["value"].astype("Float64").to_frame("won").join(money)
    both = both.dropna()
    ratio = float(both["value"].sum() / both["won"].sum()) if both["won"].sum() else 1.0
    owed = won[at.isna().to_numpy()].rename(columns={"closed_at": "won_at"})
    owed = owed.assign(value=owed["value"].fillna(0).astype(float)).reset_index(drop=True)
    return Payments(days, share, ratio, owed, int(at.notna().sum()))


def cash_paths(
    known: Payments, won: pd.DataFrame, cuts: pd.DatetimeIndex, *, n: int, seed: int
) -> Floats:
    """Draw when the money comes, of deals won before and after the cutoff.

    Parameters
    ----------
    known : Payments
    won : pandas.DataFrame
        ``run``, ``closed_at``, ``value`` of deals won in the runs.
    cuts : pandas.DatetimeIndex
        Where cells begin, and the end.
    n : int
        Runs.
    seed : int

    Returns
    -------
    ndarray, shape (n, cells)
        Minor units.
    """
    rng = np.random.default_rng([seed, 5])
    start = cuts[0]
    owed = known.owed.loc[known.owed.index.repeat(n)]
    owed = owed.assign(run=np.tile(np.arange(n), len(known.owed)), closed_at=owed["won_at"])
    every = pd.concat([won[["run", "closed_at", "value"]], owed[["run", "closed_at", "value"]]])
    begun = ((start - every["closed_at"]).dt.total_seconds() / DAY).clip(lower=0).to_numpy(float)
    delay = known.draw(begun, rng)
    seen = np.isfinite(delay)
    at = every["closed_at"][seen] + pd.to_timedelta(np.maximum(delay[seen], 0.0), unit="D")
    cell = cuts.searchsorted(pd.DatetimeIndex(at).floor("us").as_unit("us"), side="right") - 1
    inside = (cell >= 0) & (cell < len(cuts) - 1)
    paths = np.zeros((n, len(cuts) - 1))
    money = every["value"].to_numpy(float)[seen] * known.ratio
    np.add.at(paths, (every["run"].to_numpy()[seen][inside], cell[inside]), money[inside])
    return paths


def _share_paid(waited: Floats, paid: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Delays at which payments came, and the share paid by then."""
    days = np.unique(waited[paid])
    left = np.searchsorted(np.sort(waited), days, side="left")
    at_risk = len(waited) - left
    came = np.array([(paid & (waited == day)).sum() for day in days])
    return days, np.asarray(1 - np.cumprod(1 - came / at_risk), dtype=float)
