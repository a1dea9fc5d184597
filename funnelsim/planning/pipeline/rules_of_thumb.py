"""What people forecast without a model: the methods a model has to beat.

Each is given as a distribution, so that it can be scored like any other forecast: leads are
drawn again with replacement (Efron 1979), and the outcomes of open deals and of leads to come
are drawn with what the drawn leads say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.events import EventLog

__all__ = ["RULES_OF_THUMB", "Facts", "facts"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Facts:
    """What a cutoff shows to somebody without a model; made by `facts`.

    Parameters
    ----------
    outcome : ndarray of str, shape (leads,)
        won, lost, ended or open.
    value : ndarray, shape (leads,)
        Minor units; 0 where unknown.
    reached : ndarray of bool, shape (leads, stages)
        Which stages a lead has been in.
    stage : ndarray of int, shape (leads,)
        The present stage; -1 where the log does not say.
    age : ndarray, shape (leads,)
        Days since arrival, at the cutoff.
    closed_age : ndarray, shape (leads,)
        Days since closing; NaN while open.
    days : float
        Length of the window before the cutoff.
    """

    outcome: NDArray[np.str_]
    value: Floats
    reached: NDArray[np.bool_]
    stage: NDArray[np.int64]
    age: Floats
    closed_age: Floats
    days: float

    def drawn(self, rng: np.random.Generator) -> Facts:
        """The leads drawn again with replacement."""
        i = rng.integers(len(self.outcome), size=len(self.outcome))
        return Facts(
            self.outcome[i],
            self.value[i],
            self.reached[i],
            self.stage[i],
            self.age[i],
            self.closed_age[i],
            self.days,
        )


def facts(log: EventLog) -> Facts:
    """Return what a log shows at its end to somebody without a model.

    Parameters
    ----------
    log : EventLog
        Cut at the cutoff.

    Returns
    -------
    Facts
    """
    until = pd.Timestamp(log.meta.observed_until)
    outcomes = log.outcomes()
    ids = pd.Index(outcomes["lead_id"])
    stages = [stage.id for stage in log.meta.stages] or sorted(log.visits["stage"].unique())
    reached = np.zeros((len(ids), len(stages)), dtype=bool)
    rows, columns = (
        ids.get_indexer(pd.Index(log.visits["lead_id"])),
        pd.Index(stages).get_indexer(pd.Index(log.visits["stage"])),
    )
    reached[rows, columns] = True
    now = np.full(len(ids), -1)
    standing = (log.visits["exit"] == "open").to_numpy()
    now[rows[standing]] = columns[standing]
    age = (until - log.leads.set_index("lead_id")["arrived_at"].reindex(ids)).dt.total_seconds()
    closed = (until - outcomes["closed_at"]).dt.total_seconds()
    days = (until - pd.Timestamp(log.meta.observed_from)).total_seconds() / 86_400
    return Facts(
        outcomes["outcome"].to_numpy(dtype=str),
        outcomes["value"].fillna(0).to_numpy(dtype=float),
        reached,
        now,
        age.to_numpy() / 86_400,
        closed.to_numpy() / 86_400,
        days,
    )


def closed_only(known: Facts, days: float, rng: np.random.Generator) -> Floats:
    """Every open deal and every lead to come wins as often as closed deals did.

    Parameters
    ----------
    known : Facts
    days : float
        The horizon.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (2, 2)
        From open deals and from future leads: deals won, their value in minor units.
    """
    drawn = known.drawn(rng)
    share = _share(drawn.outcome == "won", drawn.outcome == "lost")
    won = drawn.value[drawn.outcome == "won"]
    wins = [
        rng.binomial(int((known.outcome == "open").sum()), share),
        rng.poisson(len(known.age) / known.days * days * share),
    ]
    return np.array([[count, _worth(won, count, rng)] for count in wins])


def stage_weighted(known: Facts, days: float, rng: np.random.Generator) -> Floats:
    """Every open deal wins as often as closed deals did that had reached its stage.

    Parameters
    ----------
    known, days, rng
        As for `closed_only`.

    Returns
    -------
    ndarray, shape (2, 2)
        As for `closed_only`.
    """
    drawn = known.drawn(rng)
    won, lost = drawn.outcome == "won", drawn.outcome == "lost"
    overall = _share(won, lost)
    here = known.outcome == "open"
    count = 0
    for stage in range(known.reached.shape[1]):
        through = drawn.reached[:, stage]
        share = _share(won & through, lost & through, overall)
        count += rng.binomial(int((here & (known.stage == stage)).sum()), share)
    count += rng.binomial(int((here & (known.stage < 0)).sum()), overall)
    later = rng.poisson(len(known.age) / known.days * days * overall)
    worth = drawn.value[won]
    return np.array([[n, _worth(worth, n, rng)] for n in (count, later)])


def last_period(known: Facts, days: float, rng: np.random.Generator) -> Floats:
    """The horizon brings what as many days before the cutoff brought.

    Parameters
    ----------
    known, days, rng
        As for `closed_only`.

    Returns
    -------
    ndarray, shape (2, 2)
        As for `closed_only`: deals that were here already when the period began, and others.
    """
    drawn = known.drawn(rng)
    length = min(days, known.days)
    recent = (drawn.outcome == "won") & (drawn.closed_age < length)
    old = drawn.age >= length
    scale = days / length
    rows = []
    for group in (recent & old, recent & ~old):
        count = rng.poisson(group.sum() * scale)
        rows.append([count, _worth(drawn.value[group], count, rng)])
    return np.array(rows, dtype=float)


RULES_OF_THUMB: Mapping[str, Callable[[Facts, float, np.random.Generator], Floats]] = {
    "closed_only": closed_only,
    "stage_weighted": stage_weighted,
    "last_period": last_period,
}


def _share(won: NDArray[np.bool_], lost: NDArray[np.bool_], otherwise: float = 0.0) -> float:
    """Won among closed."""
    closed = won.sum() + lost.sum()
    return float(won.sum() / closed) if closed else otherwise


def _worth(values: Floats, count: int, rng: np.random.Generator) -> float:
    """The value of some deals drawn from those won."""
    return float(rng.choice(values, count).sum()) if count and len(values) else 0.0
