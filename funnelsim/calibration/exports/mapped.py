"""A plain table of events with its mapping file: stages, marks and work, nothing of a CRM."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from funnelsim.calibration.exports import words
from funnelsim.calibration.exports.book import Book, State
from funnelsim.calibration.exports.cells import day_of
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.written import csv_bytes, money, stamps
from funnelsim.events.views import cut

__all__ = ["MAPPED", "PROCESS"]

# At one instant: what ends, a stage, its marks, then work that begins.
ENDS, ENTERS, MARKS, QUEUES, STARTS, ENDS_AT_ONCE = range(6)


@dataclass(frozen=True, slots=True)
class Naming:
    """What the columns and the phases of work are called."""

    lead: str
    activity: str
    time: str
    phase: str
    worker: str
    attribute: str
    phases: tuple[str, str, str]
    file: str

    def column(self, attribute: str) -> str:
        """The name of a column that describes the lead."""
        return f"{self.attribute}{attribute}"


PLAIN = Naming(
    lead="deal",
    activity="event",
    time="time",
    phase="phase",
    worker="person",
    attribute="",
    phases=("queued", "started", "ended"),
    file="events",
)
XES = Naming(
    lead="case:concept:name",
    activity="concept:name",
    time="time:timestamp",
    phase="lifecycle:transition",
    worker="org:resource",
    attribute="case:",
    phases=("SCHEDULE", "START", "COMPLETE"),
    file="process",
)
ATTRIBUTES = ("customer", "funnel", "source", "product", "segment", "amount")


def write(state: State, naming: Naming) -> Mapping[str, bytes]:
    """Return the table and the mapping file that says what it means."""
    name = f"{naming.file}-{day_of(state)}"
    return {
        f"{name}.csv": csv_bytes(_table(state, naming)),
        f"{name}.yaml": _mapping(state, naming),
    }


def _table(state: State, naming: Naming) -> pd.DataFrame:
    """Return one row per event, in order of time within a deal."""
    deals = state.deals.drop_duplicates("deal_id").set_index("deal_id")
    copies = state.deals["deal_id"].value_counts()
    rows = _events(state)
    order = {key: n for n, key in enumerate(deals.index)}
    rows = rows[rows["deal_id"].isin(deals.index)]
    rows = rows.assign(deal=rows["deal_id"].map(order))
    rows = rows.sort_values(["deal", "at", "rank", "place"], kind="stable")
    rows = rows.loc[rows.index.repeat(rows["deal_id"].map(copies))]
    phases = dict(zip(("queued", "started", "ended"), naming.phases, strict=True))
    about = deals.loc[rows["deal_id"]].set_axis(rows.index)
    zone = state.book.time_zone
    columns = {
        naming.lead: rows["deal_id"],
        naming.activity: rows["activity"],
        naming.time: _written(rows["shown_at"], zone, about["odd_dates"]),
        naming.phase: rows["phase"].map(phases),
        naming.worker: rows["worker"],
        **{naming.column(key): about[key] for key in ATTRIBUTES[:-1]},
        naming.column("amount"): money(about["value"], state.book.currency),
    }
    return pd.DataFrame(columns, index=rows.index)


def _written(times: pd.Series, zone: str, odd: pd.Series) -> pd.Series:
    """Return times with their offset, to the microsecond; odd ones as local text."""
    here = pd.to_datetime(times, utc=True).dt.tz_convert(zone)
    text = here.map(lambda moment: moment.isoformat(timespec="microseconds"))
    if not odd.any():
        return text
    return text.where(~odd.to_numpy(dtype=bool), stamps(times, "%d.%m.%Y %H:%M:%S", zone))


def _events(state: State) -> pd.DataFrame:
    """Return stages, marks and work as events with their order at one instant."""
    book = state.book
    known = cut(book.log.tables(), book.log.meta, state.moment)
    stages = _rows(
        state.moves, "at", ENTERS, "ended", "stage: " + state.moves["stage"].map(book.names())
    )
    stages = stages.assign(shown_at=state.moves["shown_at"], worker=state.moves["by"])
    marks = known["marks"][~known["marks"]["kind"].isin(["won", "lost"])]
    efforts = known["efforts"]
    called = {key: _effort(book, key) for key in efforts["effort"].unique()}
    what = efforts["effort"].map(called)
    at_once = efforts["ended_at"] == efforts["started_at"].fillna(efforts["queued_at"])
    started = efforts["started_at"].notna()
    parts = [
        stages,
        _rows(marks, "at", MARKS, "ended", "mark: " + marks["kind"]),
        _rows(efforts, "queued_at", QUEUES, "queued", what),
        _rows(efforts, "started_at", STARTS, "started", what),
        _rows(
            efforts[started],
            "ended_at",
            np.where(at_once, ENDS_AT_ONCE, ENDS)[started],
            "ended",
            what,
        ),
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["at"])


def _rows(
    frame: pd.DataFrame,
    time: str,
    rank: int | np.ndarray,
    phase: str,
    activity: pd.Series,
) -> pd.DataFrame:
    """Return events of one kind."""
    columns = {
        "deal_id": frame["deal_id" if "deal_id" in frame else "lead_id"],
        "at": frame[time],
        "shown_at": frame[time],
        "rank": rank,
        "place": np.arange(len(frame)),
        "phase": phase,
        "activity": activity,
        "worker": frame.get("worker"),
    }
    return pd.DataFrame(columns, index=frame.index)


def _effort(book: Book, key: str) -> str:
    """Return what work is called."""
    return (
        f"work: {words.label(book.log.meta.labels.get(f'efforts.{key}', {}), key, book.language)}"
    )


def _mapping(state: State, naming: Naming) -> bytes:
    """Return the mapping file."""
    from ruamel.yaml import YAML

    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(_mapping_content(state, naming), text)
    return f"# What the columns and the events of {naming.file} mean.\n{text.getvalue()}".encode()


def _mapping_content(state: State, naming: Naming) -> dict[str, Any]:
    """Return the mapping as plain data."""
    book, meta = state.book, state.book.log.meta
    work = book.log.efforts.drop_duplicates("effort").sort_values("effort")
    marks = sorted(set(book.log.marks["kind"]) - {"won", "lost"})
    content: dict[str, Any] = {
        "funnelsim": 1,
        "title": dict(meta.title) or {"en": "Exported deals"},
        "origin": "made by funnelsim export-crm",
        "illustrative": True,
        "time_zone": book.time_zone,
        "observed": {
            "from": meta.observed_from.isoformat(),
            "until": state.moment.isoformat(),
        },
        "events": {
            key: getattr(naming, key) for key in ("lead", "activity", "time", "phase", "worker")
        },
        "leads": {
            "customer_id": naming.column("customer"),
            **{key: naming.column(key) for key in ("funnel", "source", "product", "segment")},
        },
        "stages": {stage.id: _stage(book, stage.id) for stage in book.stages},
        "phases": dict(zip(("queued", "started", "ended"), naming.phases, strict=True)),
    }
    if book.currency:
        content["currency"] = book.currency
        content["attributes"] = {"amount": {"column": naming.column("amount"), "kind": "money"}}
    if marks:
        content["marks"] = {key: {"set_by": f"mark: {key}"} for key in marks}
    if len(work):
        content["teams"] = {team.id: {"label": dict(team.label)} for team in meta.teams} or {
            team: {} for team in sorted(work["team"].unique())
        }
        content["work"] = {
            key: {"recorded_by": _effort(book, key), "team": team}
            for key, team in zip(work["effort"], work["team"], strict=True)
        }
    return content


def _stage(book: Book, key: str) -> dict[str, Any]:
    """Return a stage of the mapping."""
    info = next((info for info in book.log.meta.stages if info.id == key), None)
    name, outcome = book.names()[key], book.outcomes().get(key)
    found: dict[str, Any] = {"entered_by": f"stage: {name}", "label": {book.language: name}}
    if info is not None:
        found |= {"label": dict(info.label) or {book.language: name}, "block": info.block}
        found |= {"advance": info.advance} if info.advance else {}
        found |= {"terminal": True} if info.terminal and not outcome else {}
    if outcome:
        found["outcome"] = outcome
        reasons = _reasons(book, key, outcome)
        found |= {"reason": reasons.mode().iloc[0]} if len(reasons) else {}
        if outcome == "won" and book.currency:
            found["value"] = "amount"
    return found


def _reasons(book: Book, key: str, outcome: str) -> pd.Series:
    """Return why deals were closed in a stage."""
    marks = book.log.marks[book.log.marks["kind"] == outcome].dropna(subset=["reason", "visit"])
    visits = book.log.visits[book.log.visits["stage"] == key].astype({"visit": "Int64"})
    found = marks.merge(visits[["lead_id", "visit"]], on=["lead_id", "visit"])["reason"]
    return found[found != ""]


_HOLDS = Holds(
    history="full",
    times="microseconds",
    closed="microseconds",
    zone="offset",
    after_closing=True,
    currencies=False,
    owners=False,
    efforts=True,
    marks=True,
)

MAPPED = CrmFormat(
    id="mapped",
    label="CSV with a mapping file",
    holds=_HOLDS,
    deal_id=str,
    closed=None,
    write=lambda state: write(state, PLAIN),
)
PROCESS = CrmFormat(
    id="process",
    label="Process log (XES names)",
    holds=_HOLDS,
    deal_id=str,
    closed=None,
    write=lambda state: write(state, XES),
)
