"""Dirt in cells: dates written another way, empty cells, formulas, blanks, wrong currencies."""

from __future__ import annotations

import pandas as pd

from funnelsim.calibration.exports.book import Book
from funnelsim.calibration.exports.planting import Kind, Planted, chance, chosen

__all__ = ["CURRENCY", "EMPTY", "FORMULAS", "MIXED_DATES", "OWNERS", "SPACES"]

FORMULA = "=cmd|'/c calc'!A1"
EMPTIED = ("source", "segment", "product", "value")
OTHER = {"USD": "EUR"}


def _some(
    book: Book, share: float, kind: str, seed: int, where: pd.Series | None = None
) -> pd.Series:
    """Return which deals are struck."""
    every = pd.Series(data=True, index=book.deals.index) if where is None else where
    return chosen(book.deals, every, share, kind, seed)


def _done(
    book: Book, deals: pd.DataFrame, kind: str, share: float, where: pd.Series
) -> tuple[Book, Planted]:
    """Return the record with these deals, and what was planted."""
    ids = tuple(book.deals.loc[where, "deal_id"])
    return book.with_tables(deals=deals), Planted(kind, share, len(ids), deals=ids)


def mix_dates(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Write the dates of some deals in another way."""
    where = _some(book, share, "mixed_dates", seed)
    return _done(book, book.deals.assign(odd_dates=where), "mixed_dates", share, where)


def add_spaces(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Put blanks around names, and hard ones inside."""
    where = _some(book, share, "spaces", seed)
    deals = book.deals.assign(untidy=where)
    for column in ("customer", "source"):
        deals[column] = deals[column].mask(where, " " + deals[column] + "\u00a0")
    return _done(book, deals, "spaces", share, where)


def empty_cells(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Empty one cell of some deals: source, segment, product or value, where it was filled."""
    deals = book.deals.copy()
    filled = [column for column in EMPTIED if deals[column].notna().any()]
    able = deals[filled].notna().all(axis="columns") if filled else deals["struck"] & False
    where = _some(book, share, "empty", seed, able)
    luck = pd.Series(chance(deals["lead_id"], "empty", seed, 1), index=deals.index)
    cells = {}
    for number, column in enumerate(filled):
        here = where & ((luck * len(filled)).astype("int64") == number)
        deals[column] = deals[column].mask(here)
        cells[column] = list(book.deals.loc[here, "deal_id"])
    book, planted = _done(book, deals, "empty", share, where)
    planted.about.update({"cells": cells})
    return book, planted


def add_formulas(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Put a formula where a title should be."""
    where = _some(book, share, "formulas", seed)
    deals = book.deals.assign(title=book.deals["title"].mask(where, FORMULA))
    return _done(book, deals, "formulas", share, where)


def change_currency(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Give some deals another currency than the rest."""
    where = _some(book, share, "currency", seed)
    other = OTHER.get(book.currency, "USD")
    deals = book.deals.assign(currency=book.deals["currency"].mask(where, other))
    book, planted = _done(book, deals, "currency", share, where)
    planted.about.update({"currency": other})
    return book, planted


def lose_owners(book: Book, share: float, seed: int) -> tuple[Book, Planted]:
    """Leave the owner of some deals empty."""
    where = _some(book, share, "owners", seed)
    deals = book.deals.assign(owner=book.deals["owner"].mask(where))
    return _done(book, deals, "owners", share, where)


MIXED_DATES = Kind("mixed_dates", "dates written in two ways", mix_dates)
SPACES = Kind("spaces", "blanks around and hard blanks inside names", add_spaces)
EMPTY = Kind("empty", "empty cells where others have a value", empty_cells)
FORMULAS = Kind("formulas", "a formula where a title should be", add_formulas, usual=0.005)
CURRENCY = Kind("currency", "deals in another currency", change_currency, usual=0.02)
OWNERS = Kind("owners", "deals without an owner", lose_owners)
