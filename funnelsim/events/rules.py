"""The rules every event log keeps, and which rows break them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnelsim.documents import did_you_mean
from funnelsim.errors import Problem
from funnelsim.events.schema import EXITS, REQUIRED, SCHEMA, TIME, Metadata
from funnelsim.events.tables import Tables, positions

__all__ = ["broken_rules"]

Mask = npt.NDArray[np.bool_] | pd.Series
EXAMPLES = 3


@dataclass(frozen=True)
class Breach:
    """Rows of one table that break one rule."""

    table: str
    rule: str
    rows: Mask
    columns: Sequence[str]
    fix: str = ""

    def problem(self, tables: Tables) -> Problem | None:
        """Return the rule with its count and examples, or nothing if it is kept."""
        broken = np.flatnonzero(np.asarray(self.rows))
        if not broken.size:
            return None
        names = {"leads": ("lead_id",), "visits": ("lead_id", "visit")}
        shown = dict.fromkeys((*names.get(self.table, ("lead_id",)), *self.columns))
        rows = tables[self.table].iloc[broken[:EXAMPLES]][list(shown)]
        examples = "; ".join(_described(row) for _, row in rows.iterrows())
        count = f"{broken.size:,} row{'s' if broken.size > 1 else ''}"
        return Problem(f"{self.rule} ({count}: {examples})", self.table, fix=self.fix)


def broken_rules(tables: Tables, meta: Metadata) -> list[Problem]:
    """Return every rule that is broken, with the count and examples of its rows.

    Parameters
    ----------
    tables : mapping
        Typed tables in the log's order, by name.
    meta : Metadata
        The log's metadata.

    Returns
    -------
    list of Problem
        Empty for a valid log.

    Examples
    --------
    >>> from funnelsim.events.tables import empty
    >>> meta = Metadata(observed_from="2024-01-01T00:00Z", observed_until="2023-01-01T00:00Z")
    >>> for problem in broken_rules({name: empty(name) for name in SCHEMA}, meta):
    ...     print(problem)
    meta observed_until: 2023-01-01 00:00:00+00:00 is before observed_from, 2024-01-01 ...
    """
    leads = {name: positions(tables[name]["lead_id"], tables["leads"]) for name in SCHEMA}
    found = (breach.problem(tables) for breach in _breaches(tables, meta, leads))
    return [*_meta_problems(meta), *(problem for problem in found if problem)]


def _breaches(
    tables: Tables, meta: Metadata, leads: dict[str, npt.NDArray[np.int64]]
) -> Iterator[Breach]:
    """Check rule by rule, so that a large log has the rows of one in memory at a time."""
    for table in SCHEMA:
        yield from _required(table, tables[table])
        if table != "leads":
            rule = "the lead is not in the table of leads"
            yield Breach(table, rule, leads[table] < 0, ())
        yield from _after_the_end(table, tables[table], meta)
    yield from _lead_rules(tables["leads"])
    yield from _visit_rules(tables, leads["visits"], meta)
    yield from _route_rules(tables, leads["visits"], meta)
    yield from _effort_rules(tables["efforts"], meta)
    yield from _mark_rules(tables, leads["marks"], meta)
    for table in ("efforts", "marks"):
        yield from _visit_references(table, tables, leads)


def _described(row: pd.Series) -> str:
    """Return a row as "lead_id 7, visit 2, left_at 2024-…"."""
    return ", ".join(f"{name} {row[name]}" for name in row.index).replace(" nan", " empty")


def _required(table: str, frame: pd.DataFrame) -> Iterator[Breach]:
    """Find empty values in columns that are never empty."""
    for name in REQUIRED[table]:
        missing = frame[name].isna()
        if frame[name].dtype == "str":
            missing |= frame[name] == ""
        yield Breach(table, f"{name} is empty", missing, ())


def _after_the_end(table: str, frame: pd.DataFrame, meta: Metadata) -> Iterator[Breach]:
    """Find times after the end of observation."""
    for name, dtype in SCHEMA[table].items():
        if dtype == TIME:
            rule = f"{name} is after observed_until, {meta.observed_until}"
            yield Breach(table, rule, frame[name] > pd.Timestamp(meta.observed_until), (name,))


def _order(table: str, frame: pd.DataFrame, early: str, late: str, rule: str) -> Breach:
    """Find rows where one time comes before another that it must follow."""
    return Breach(table, rule, frame[late] < frame[early], (early, late))


def _lead_rules(leads: pd.DataFrame) -> Iterator[Breach]:
    """Find leads that occur twice."""
    twice = leads["lead_id"].duplicated() & leads["lead_id"].notna()
    fix = "Give every lead its own id; EventLog.concat can prefix them."
    yield Breach("leads", "a lead occurs more than once", twice, ("arrived_at",), fix)


def _visit_rules(tables: Tables, lead: npt.NDArray[np.int64], meta: Metadata) -> Iterator[Breach]:
    """Find visits that are impossible on their own."""
    visits, leads = tables["visits"], tables["leads"]
    arrived = leads["arrived_at"].astype("int64").to_numpy()
    entered = visits["entered_at"].astype("int64").to_numpy()
    early = (lead >= 0) & visits["entered_at"].notna().to_numpy()
    if len(leads):
        early &= leads["arrived_at"].notna().to_numpy()[lead] & (entered < arrived[lead])
    rule = "a visit is entered before its lead arrived"
    yield Breach("visits", rule, early, ("entered_at",))
    for first, second, rule in (
        ("entered_at", "ready_at", "a visit is ready before it is entered"),
        ("entered_at", "left_at", "a visit is left before it is entered"),
        ("ready_at", "left_at", "a visit is left before it is ready"),
    ):
        yield _order("visits", visits, first, second, rule)
    exits = visits["exit"]
    unknown = exits.notna() & ~exits.isin(EXITS)
    yield Breach("visits", f"exit is none of {', '.join(EXITS)}", unknown, ("exit",))
    left = visits["left_at"].notna()
    open_ = exits == "open"
    yield Breach("visits", "an open visit has left_at", open_ & left, ("exit", "left_at"))
    if meta.history == "full":
        yield Breach("visits", "a visit has an exit but no left_at", ~open_ & ~left, ("exit",))
    stays = exits.isin(("open", "ended")) & visits["next_stage"].notna()
    yield Breach("visits", "an open or ended visit has next_stage", stays, ("exit", "next_stage"))
    known = [stage.id for stage in meta.stages]
    for name in ("stage", "next_stage") if known else ():
        strange = visits[name].notna() & ~visits[name].isin(known)
        fix = _closest(visits[name][strange], known)
        yield Breach("visits", f"{name} is not among the stages of meta", strange, (name,), fix)


def _route_rules(tables: Tables, lead: npt.NDArray[np.int64], meta: Metadata) -> Iterator[Breach]:
    """Find visits that do not follow from one another; visits stand by lead and number."""
    visits, leads = tables["visits"], tables["leads"]
    number = visits["visit"].to_numpy()
    same = np.append(lead[1:] == lead[:-1], False) & (lead >= 0)  # the next row is the same lead's
    follows = np.insert(same[:-1], 0, False) if len(same) else same
    twice = np.insert(same[:-1] & (np.diff(number) == 0), 0, False) if len(same) else same
    yield Breach("visits", "a visit of a lead occurs more than once", twice, ("entered_at",))
    # a lead that is older than the window may have visits that nobody saw
    older = leads["arrived_at"] <= pd.Timestamp(meta.observed_from)
    older &= leads["observed_from"] >= leads["arrived_at"]
    late = older.to_numpy()[lead] if len(leads) else np.zeros(len(lead), bool)
    first = np.where(late, np.maximum(number, 1), 1)
    expected = np.where(follows, np.roll(number, 1) + 1, first)
    gap = (number != expected) & ~twice & (lead >= 0)
    yield Breach("visits", "visits of a lead are not numbered 1, 2, 3 …", gap, ())
    same &= ~np.append(twice[1:], False) if len(twice) else same
    left, entered = visits["left_at"], visits["entered_at"].shift(-1)
    overlap = same & (left > entered).to_numpy()
    rule = "a visit is left after the lead's next visit is entered"
    yield Breach("visits", rule, overlap, ("left_at",))
    stays = visits["exit"].isin(("open", "ended")).to_numpy()
    rule = "an open or ended visit is followed by another of the same lead"
    yield Breach("visits", rule, same & stays, ("exit",), "Close it with exit = moved.")
    if meta.history != "full":
        return
    between = same & (left < entered).to_numpy()
    rule = "a visit is left before the lead's next visit is entered"
    fix = "A lead is always in one stage; if stages are missing, set meta.history."
    yield Breach("visits", rule, between, ("left_at",), fix)
    target, following = visits["next_stage"], visits["stage"].shift(-1)
    wrong = same & ~stays & (target.isna() | (target != following)).to_numpy()
    rule = "next_stage is not the stage of the lead's next visit"
    yield Breach("visits", rule, wrong, ("stage", "next_stage"))
    last = ~same & ~stays & (lead >= 0) & visits["exit"].notna().to_numpy()
    rule = "a lead's last visit leads on, but no visit follows"
    yield Breach("visits", rule, last, ("exit", "next_stage"), "End it with ended or open.")


def _effort_rules(efforts: pd.DataFrame, meta: Metadata) -> Iterator[Breach]:
    """Find pieces of work that are impossible."""
    for first, second, rule in (
        ("queued_at", "started_at", "work starts before it is queued"),
        ("queued_at", "ended_at", "work ends before it is queued"),
        ("started_at", "ended_at", "work ends before it starts"),
    ):
        yield _order("efforts", efforts, first, second, rule)
    never = efforts["queued_at"].isna() & efforts["started_at"].isna()
    rule = "work has neither queued_at nor started_at"
    yield Breach("efforts", rule, never, ("effort", "ended_at"))
    known = [team.id for team in meta.teams]
    if known:
        strange = efforts["team"].notna() & ~efforts["team"].isin(known)
        fix = _closest(efforts["team"][strange], known)
        yield Breach("efforts", "team is not among the teams of meta", strange, ("team",), fix)


def _mark_rules(tables: Tables, lead: npt.NDArray[np.int64], meta: Metadata) -> Iterator[Breach]:
    """Find marks that are impossible, and money in other than the one currency."""
    marks, leads = tables["marks"], tables["leads"]
    if len(leads):
        arrived = leads["arrived_at"].take(np.maximum(lead, 0)).reset_index(drop=True)
        early = (lead >= 0) & (marks["at"] < arrived).to_numpy()
        yield Breach("marks", "a mark is set before its lead arrived", early, ("kind", "at"))
    money = marks["value"].notna() | marks["cost"].notna()
    currency = marks["currency"].mask(marks["currency"] == "")
    fix = "Money is whole minor units of one currency; convert with dated rates first."
    bare = money & currency.isna()
    yield Breach("marks", "value or cost has no currency", bare, ("kind", "value", "cost"))
    used = currency[money].dropna().unique()
    one = meta.currency or (used[0] if len(used) else "")
    other = money & currency.notna() & (currency != one)
    yield Breach("marks", f"the currency is not {one}", other, ("kind", "currency"), fix)


def _visit_references(
    table: str, tables: Tables, leads: dict[str, npt.NDArray[np.int64]]
) -> Iterator[Breach]:
    """Find work and marks of visits that do not exist or have not begun."""
    frame, visits = tables[table], tables["visits"]
    given = frame["visit"].notna().to_numpy() & (leads[table] >= 0)
    number = frame["visit"].fillna(-1).astype("int64").to_numpy()
    width = int(max(visits["visit"].max() if len(visits) else 0, 0)) + 2
    keys = leads["visits"] * width + visits["visit"].to_numpy()
    index = pd.Index(np.where(leads["visits"] >= 0, keys, -1))
    row = index.drop_duplicates().get_indexer(pd.Index(leads[table] * width + number))
    missing = given & ~((row >= 0) & (number >= 0) & (number < width))
    yield Breach(table, "the lead has no such visit", missing, ("visit",))
    if not len(visits):
        return
    entered = visits["entered_at"][~index.duplicated()].take(np.maximum(row, 0))
    if table == "marks":
        first, column = frame["at"], "at"
    else:
        first, column = frame["queued_at"].fillna(frame["started_at"]), "queued_at"
    early = given & ~missing & (first.reset_index(drop=True) < entered.reset_index(drop=True))
    rule = "it happens before its visit is entered"
    yield Breach(table, rule, early, ("visit", column), "Leave visit empty if it is of no visit.")


def _closest(strange: pd.Series, known: Iterable[str]) -> str:
    """Suggest what the first unknown name was meant to be."""
    return did_you_mean(strange.iloc[0], known) if len(strange) else ""


def _meta_problems(meta: Metadata) -> Iterator[Problem]:
    """Find what the metadata itself gets wrong."""
    start, end = meta.observed_from, meta.observed_until
    if end < start:
        yield Problem(f"{end} is before observed_from, {start}", "meta", "observed_until")
    try:
        ZoneInfo(meta.time_zone)
    except (ValueError, OSError, KeyError):
        fix = "Use a name such as Europe/Kyiv."
        yield Problem(f'"{meta.time_zone}" is no time zone', "meta", "time_zone", fix)
    stages = [stage.id for stage in meta.stages]
    for name, ids in (("stages", stages), ("teams", [team.id for team in meta.teams])):
        for twice in sorted({one for one in ids if ids.count(one) > 1}):
            yield Problem(f'"{twice}" occurs more than once', "meta", name)
    for stage in meta.stages:
        if stage.advance is not None and stage.advance not in stages:
            fix = did_you_mean(stage.advance, stages)
            path = f"stages.{stage.id}.advance"
            yield Problem(f'"{stage.advance}" is no stage', "meta", path, fix)
    for team in meta.teams:
        late = [interval for interval in team.staffed if interval.end > end]
        if late:
            message = f"staffed until {late[-1].end}, after observed_until, {end}"
            yield Problem(message, "meta", f"teams.{team.id}")
    yield from _known_problems(meta)


def _known_problems(meta: Metadata) -> Iterator[Problem]:
    """Find what ``known`` says of columns that do not exist or cannot be blank."""
    for column, when in meta.known.items():
        table, _, name = column.partition(".")
        if table not in SCHEMA or not name:
            fix = "Write table.column, for example leads.segment."
            yield Problem(f'"{column}" is no column', "meta", "known", fix)
        elif when == "overwritten" and name in (*REQUIRED[table], "replication"):
            yield Problem(f"{column} cannot be overwritten: it is never empty", "meta", "known")
