"""`Book`: what a CRM has on record, before it is written in the CRM's own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from funnelsim.calibration.exports import words
from funnelsim.events import EventLog, StageInfo

__all__ = ["Book", "BookStage", "State", "book_of", "state_at"]

OWNERS = 8
"""People who own deals."""


@dataclass(frozen=True, slots=True)
class BookStage:
    """A stage as the CRM names it; ``deleted`` from its list, though history knows it."""

    id: str
    name: str
    outcome: Literal["won", "lost"] | None = None
    deleted: bool = False


@dataclass(frozen=True, eq=False)
class Book:
    """What a CRM has on record.

    Parameters
    ----------
    deals : pandas.DataFrame
        ``deal_id`` (the CRM's), ``lead_id`` (the log's), ``number`` (1, 2, … by creation),
        ``customer``, ``contact``, ``customer_number``, ``title``, ``funnel``, ``source``,
        ``product``, ``segment``, ``owner``, ``created_at``, ``shown_created_at`` (as
        written), ``value`` (minor units), ``currency``, ``odd_dates`` and ``untidy``
        (written another way than the rest), ``struck`` (its history is not what happened).
        A deal that was exported twice stands twice.
    moves : pandas.DataFrame
        ``deal_id``, ``at``, ``shown_at`` (as written), ``stage`` (id), ``reason``, ``by``;
        each deal's in order of time.
    log : EventLog
        What happened, with the CRM's ids: work and marks are written from it.
    stages : tuple of BookStage
        In the order of the funnel.
    language : str
        Of names.
    deal_id : callable
        The CRM's id of the nth deal.
    """

    deals: pd.DataFrame
    moves: pd.DataFrame
    log: EventLog
    stages: tuple[BookStage, ...]
    language: str
    deal_id: Callable[[int], str]

    @property
    def time_zone(self) -> str:
        """The CRM's zone."""
        return self.log.meta.time_zone

    @property
    def currency(self) -> str:
        """The CRM's currency."""
        return self.log.meta.currency

    @property
    def until(self) -> pd.Timestamp:
        """The last moment that the record knows."""
        return pd.Timestamp(self.log.meta.observed_until)

    def names(self) -> dict[str, str]:
        """Name of each stage by id."""
        return {stage.id: stage.name for stage in self.stages}

    def outcomes(self) -> dict[str, str]:
        """Outcome by id, of the stages that close a deal."""
        return {stage.id: stage.outcome for stage in self.stages if stage.outcome}

    def with_tables(
        self, *, deals: pd.DataFrame | None = None, moves: pd.DataFrame | None = None
    ) -> Book:
        """The same record with other rows."""
        return replace(
            self,
            deals=self.deals if deals is None else deals.reset_index(drop=True),
            moves=self.moves if moves is None else moves.reset_index(drop=True),
        )


@dataclass(frozen=True, eq=False)
class State:
    """What a CRM shows at one moment.

    Parameters
    ----------
    book : Book
    moment : pandas.Timestamp
    deals : pandas.DataFrame
        Those of the book created by then, with ``stage`` (id), ``stage_since``,
        ``open_stage`` and ``open_since`` (the last stage that did not close it),
        ``status`` (open, won, lost), ``closed_at`` and ``reason``.
    moves : pandas.DataFrame
        Those of the book up to the moment, with ``from_stage`` and ``until`` (the next
        move's ``shown_at``).
    """

    book: Book
    moment: pd.Timestamp
    deals: pd.DataFrame
    moves: pd.DataFrame


def book_of(
    log: EventLog,
    *,
    language: str,
    deal_id: Callable[[int], str],
    values: Mapping[str, int] | None = None,
    closing: Callable[[str, str, bool], str] | None = None,
    numbered: bool = False,
    whole: bool = False,
) -> Book:
    """Return what a CRM would have on record of a log.

    Parameters
    ----------
    log : EventLog
        With full history.
    language : {"en", "ru", "uk"}
        Of the names of stages, sources, reasons.
    deal_id : callable
        The CRM's id of the nth deal (1, 2, …).
    values : mapping, optional
        What deals are worth (minor units) by lead, also of those not won.
    closing : callable, optional
        Name, outcome and whether there are several such → what the CRM calls a stage that
        wins or loses; by default its name.
    numbered : bool
        Put numbers before names that have none.
    whole : bool
        Keep what happens after a deal was closed; a CRM keeps nothing.

    Returns
    -------
    Book

    Examples
    --------
    >>> from funnelsim.events.example import LOG
    >>> book = book_of(LOG, language="en", deal_id=str)
    >>> book.moves[["deal_id", "stage"]].to_dict("split")["data"]
    [['1', 'demo'], ['1', 'won'], ['2', 'demo']]
    """
    leads = log.leads.sort_values(["arrived_at", "lead_id"], kind="stable", ignore_index=True)
    ids = pd.Series([deal_id(n + 1) for n in leads.index], index=leads["lead_id"], dtype="str")
    moves = _moves(log, whole=whole)
    stages = _stages(log, moves, language, closing, numbered=numbered)
    deals = _deals(log, leads, ids, language, values or {})
    owner = dict(zip(deals["lead_id"], deals["owner"], strict=True))
    moves = moves.assign(
        deal_id=moves["lead_id"].map(ids).astype("str"),
        by=moves["lead_id"].map(owner).astype("str"),
        reason=pd.Series(
            [words.reason(log.meta, reason, language) for reason in moves["reason"]], dtype="str"
        ),
    )
    order = ["deal_id", "at", "shown_at", "stage", "reason", "by"]
    return Book(deals, moves[order], _renamed(log, ids), stages, language, deal_id)


def state_at(book: Book, moment: pd.Timestamp) -> State:
    """Return what the CRM shows at a moment.

    Parameters
    ----------
    book : Book
    moment : pandas.Timestamp
        What happens at this very instant is known.

    Returns
    -------
    State

    Examples
    --------
    >>> from funnelsim.events.example import LOG
    >>> book = book_of(LOG, language="en", deal_id=str)
    >>> state_at(book, pd.Timestamp("2024-02-04T00:00Z")).deals["status"].tolist()
    ['open', 'open']
    """
    moves = book.moves[book.moves["at"] <= moment].reset_index(drop=True)
    by_deal = moves.groupby("deal_id", sort=False)
    moves = moves.assign(from_stage=by_deal["stage"].shift(), until=by_deal["shown_at"].shift(-1))
    closing = moves["stage"].isin(list(book.outcomes()))
    last = moves.drop_duplicates("deal_id", keep="last").set_index("deal_id")
    before = moves[~closing].drop_duplicates("deal_id", keep="last").set_index("deal_id")
    deals = book.deals[book.deals["created_at"] <= moment].reset_index(drop=True)
    key = deals["deal_id"]
    status = last["stage"].map(book.outcomes()).fillna("open").reindex(key).fillna("open")
    closed_at = last["shown_at"].where(last["stage"].isin(list(book.outcomes()))).reindex(key)
    columns = {
        "stage": last["stage"].reindex(key),
        "stage_since": last["shown_at"].reindex(key),
        "open_stage": before["stage"].reindex(key).fillna(last["stage"].reindex(key)),
        "open_since": before["shown_at"].reindex(key),
        "status": status,
        "closed_at": closed_at,
        "reason": last["reason"].where(last["stage"].isin(list(book.outcomes()))).reindex(key),
    }
    deals = deals.assign(**{name: values.array for name, values in columns.items()})
    return State(book, moment, deals, moves)


def _moves(log: EventLog, *, whole: bool) -> pd.DataFrame:
    """Return every entry of a stage with the reason of the mark it sets."""
    visits = log.visits[["lead_id", "visit", "stage", "entered_at"]]
    marks = log.marks[log.marks["kind"].isin(["won", "lost"]) & log.marks["visit"].notna()]
    marks = marks.astype({"visit": "int64"}).drop_duplicates(["lead_id", "visit"])
    moves = visits.merge(marks[["lead_id", "visit", "reason"]], on=["lead_id", "visit"], how="left")
    moves = moves.rename(columns={"entered_at": "at"}).assign(shown_at=moves["entered_at"])
    if whole:
        return moves
    # nobody moves a deal into the stage where it is
    again = moves["stage"] == moves.groupby("lead_id")["stage"].shift()
    moves = moves[~again].reset_index(drop=True)
    closing = moves["stage"].map(_outcomes(log)).notna().astype("int64")
    earlier = closing.groupby(moves["lead_id"]).cumsum() - closing
    return moves[earlier == 0].reset_index(drop=True)


def _outcomes(log: EventLog) -> dict[str, str]:
    """Return what stages mean, from the metadata or else from the marks set in them."""
    known = {stage.id: stage.outcome for stage in log.meta.stages if stage.outcome}
    if known or log.meta.stages:
        return {key: str(outcome) for key, outcome in known.items()}
    marks = log.marks[log.marks["kind"].isin(["won", "lost"])].astype({"visit": "Int64"})
    visits = log.visits.astype({"visit": "Int64"})
    closing = marks.merge(visits, on=["lead_id", "visit"])
    return dict(zip(closing["stage"], closing["kind"], strict=True))


def _stages(
    log: EventLog,
    moves: pd.DataFrame,
    language: str,
    closing: Callable[[str, str, bool], str] | None,
    *,
    numbered: bool,
) -> tuple[BookStage, ...]:
    """Return the stages in order, each with a name of its own."""
    infos = log.meta.stages or tuple(
        StageInfo(id=name, position=n) for n, name in enumerate(moves["stage"].unique())
    )
    outcomes = _outcomes(log)
    names: dict[str, str] = {}
    for info in sorted(infos, key=lambda info: info.position):
        name = words.label(info.label, info.id, language)
        outcome = outcomes.get(info.id)
        if outcome and closing:
            names[info.id] = closing(name, outcome, list(outcomes.values()).count(outcome) > 1)
            continue
        if numbered and not name[:1].isdigit():
            name = f"{len(names) + 1}-{name}"
        names[info.id] = f"{name} ({info.id})" if name in names.values() else name
    return tuple(BookStage(key, name, outcomes.get(key)) for key, name in names.items())  # type: ignore[arg-type]


def _deals(
    log: EventLog,
    leads: pd.DataFrame,
    ids: pd.Series,
    language: str,
    values: Mapping[str, int],
) -> pd.DataFrame:
    """Return one row per deal, in order of creation."""
    customer = leads["customer_id"].fillna(leads["lead_id"])
    number = pd.Series(pd.factorize(customer)[0] + 1, index=leads.index)
    company = [words.company(n, language) for n in number]
    what = leads["product"].fillna(words.WORDS["deal"][language])
    lead = leads["lead_id"]
    won = log.marks[(log.marks["kind"] == "won") & log.marks["value"].notna()]
    worth = won.drop_duplicates("lead_id").set_index("lead_id")["value"]
    value = lead.map(worth).astype("Int64").fillna(lead.map(dict(values)).astype("Int64"))
    return pd.DataFrame(
        {
            "deal_id": ids.array,
            "lead_id": lead,
            "number": np.arange(1, len(leads) + 1),
            "customer": company,
            "contact": [words.contact(n, language) for n in number],
            "customer_number": number,
            "title": [f"{thing} - {firm}" for thing, firm in zip(what, company, strict=True)],
            "funnel": leads["funnel"].fillna(words.WORDS["funnel"][language]),
            "source": [words.named(log.meta, "sources", key, language) for key in leads["source"]],
            "product": leads["product"],
            "segment": leads["segment"],
            "owner": [words.owner(key, OWNERS, language) for key in lead],
            "created_at": leads["arrived_at"],
            "shown_created_at": leads["arrived_at"],
            "value": value,
            "currency": log.meta.currency,
            "odd_dates": False,
            "untidy": False,
            "struck": False,
        }
    ).astype(dict.fromkeys(("title", "source", "owner", "customer", "contact"), "str"))


def _renamed(log: EventLog, ids: pd.Series) -> EventLog:
    """Return the log with the CRM's ids of deals."""
    tables = {name: f.assign(lead_id=f["lead_id"].map(ids)) for name, f in log.tables().items()}
    return EventLog(**tables, meta=log.meta)
