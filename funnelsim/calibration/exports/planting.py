"""How dirt is planted: by share, chosen by keyed chance, and written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from funnelsim.calibration.exports.book import Book
from funnelsim.streams import Stream, hash_id

__all__ = ["Kind", "Planted", "chance", "chosen", "date_at", "sorted_moves"]


@dataclass(frozen=True, slots=True)
class Planted:
    """Dirt that was planted.

    Parameters
    ----------
    kind : str
    asked : float
        The share, or number of stages, asked for.
    count : int
        How many deals (or moves) it concerns.
    unit : str
        What is counted.
    deals : tuple of str
        Ids of the deals concerned, as in the file.
    about : dict
        What else there is to know: dates, stages, hours.
    """

    kind: str
    asked: float
    count: int
    unit: str = "deals"
    deals: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": self.kind,
            "asked": self.asked,
            "count": self.count,
            "unit": self.unit,
            **self.about,
            "deals": list(self.deals),
        }


Plant = Callable[[Book, float, int], tuple[Book, Planted]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dirt.

    Parameters
    ----------
    id : str
    says : str
        What it is, for ``--help`` and the manual.
    plant : callable
        Record, amount and seed → record with dirt, and what was planted.
    unit : str
        What the amount is.
    usual : float
        The amount where none is given.
    most : float
        The largest amount.
    """

    id: str
    says: str
    plant: Plant
    unit: str = "a share of the deals"
    usual: float = 0.05
    most: float = 1.0


def chance(leads: pd.Series, kind: str, seed: int, ordinal: int = 0) -> NDArray[np.float64]:
    """Return one number between 0 and 1 per lead, for one use.

    Examples
    --------
    >>> float(chance(pd.Series(["a"]), "zombies", 1)[0]) == float(
    ...     chance(pd.Series(["b", "a"]), "zombies", 1)[1])
    True
    """
    entity = np.array([hash_id(f"lead/{lead}") for lead in leads], np.uint64)
    words = Stream(seed).words_array(
        entity, hash_id(f"dirt/{kind}"), np.full(len(entity), ordinal, np.uint64)
    )
    first: NDArray[np.float64] = Stream.to_uniforms(words)[0]
    return first


def chosen(
    frame: pd.DataFrame, candidates: pd.Series, share: float, kind: str, seed: int, ordinal: int = 0
) -> pd.Series:
    """Return which rows are struck: a share of all rows, or all candidates if those are fewer.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``lead_id``.
    candidates : pandas.Series
        Truth values: the rows that can be struck.
    share : float
        Of all rows of the frame.
    kind : str
    seed : int
    ordinal : int
        Tells several choices of one kind apart.

    Returns
    -------
    pandas.Series
        Truth values.

    Examples
    --------
    >>> deals = pd.DataFrame({"lead_id": ["a", "b", "c", "d"]})
    >>> int(chosen(deals, deals["lead_id"] != "a", 0.5, "zombies", 1).sum())
    2
    """
    wanted = min(int(np.ceil(share * len(frame) - 1e-9)), int(candidates.sum()))
    luck = np.where(candidates, chance(frame["lead_id"], kind, seed, ordinal), 2.0)
    found = np.zeros(len(frame), bool)
    found[np.argsort(luck, kind="stable")[:wanted]] = True
    return pd.Series(found, index=frame.index)


def date_at(book: Book, share: float) -> pd.Timestamp:
    """Return the local midnight after a share of the recorded time.

    Examples
    --------
    >>> from funnelsim.calibration.exports.book import book_of
    >>> from funnelsim.events.example import LOG
    >>> str(date_at(book_of(LOG, language="en", deal_id=str), 0.5).date())
    '2024-02-15'
    """
    first = book.deals["created_at"].min()
    moment = first + share * (book.until - first)
    midnight: pd.Timestamp = moment.tz_convert(book.time_zone).normalize().tz_convert("UTC")
    return midnight


def sorted_moves(book: Book, moves: pd.DataFrame) -> pd.DataFrame:
    """Return moves by deal and time; what was given first stays first at one instant.

    Examples
    --------
    >>> from funnelsim.calibration.exports.book import book_of
    >>> from funnelsim.events.example import LOG
    >>> book = book_of(LOG, language="en", deal_id=str)
    >>> sorted_moves(book, book.moves[::-1])["stage"].tolist()
    ['demo', 'won', 'demo']
    """
    order = {key: n for n, key in enumerate(book.deals["deal_id"].drop_duplicates())}
    deal = moves["deal_id"].map(order)
    return (
        moves.assign(deal=deal)
        .sort_values(["deal", "at"], kind="stable", ignore_index=True)
        .drop(columns="deal")
    )
