"""Event logs seen another way: as of a moment, one row per visit, one row per lead."""

from __future__ import annotations

import pandas as pd

from funnelsim.events.schema import TIME, Metadata
from funnelsim.events.tables import Tables, cast, positions

__all__ = ["cut", "cut_metadata", "of_leads", "outcomes", "wide"]


def of_leads(tables: Tables, kept: pd.Series) -> dict[str, pd.DataFrame]:
    """Return the rows of some leads.

    Parameters
    ----------
    tables : mapping
        Tables by name.
    kept : pandas.Series
        A truth value per row of ``leads``.

    Returns
    -------
    dict
        Tables by name, in the same order.

    Examples
    --------
    >>> from funnelsim.events import SCHEMA
    >>> from funnelsim.events.tables import empty
    >>> tables = {name: empty(name) for name in SCHEMA}
    >>> of_leads(tables, pd.Series([], dtype=bool))["leads"].empty
    True
    """
    chosen = kept.to_numpy(dtype=bool)
    result = {"leads": tables["leads"][chosen].reset_index(drop=True)}
    for name in ("visits", "efforts", "marks"):
        frame = tables[name]
        rows = positions(frame["lead_id"], result["leads"]) >= 0
        result[name] = frame[rows].reset_index(drop=True)
    return result


def cut(tables: Tables, meta: Metadata, moment: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """Return what was known at a moment.

    Parameters
    ----------
    tables : mapping
        Tables of a log with full history, by name.
    meta : Metadata
        Says which columns are overwritten later; they are blanked.
    moment : pandas.Timestamp
        Before the end of observation; what happens at this instant is known.

    Returns
    -------
    dict
        Tables by name.

    Examples
    --------
    >>> from funnelsim.events import SCHEMA
    >>> from funnelsim.events.tables import empty
    >>> meta = Metadata(observed_from="2023-01-01T00:00Z", observed_until="2024-01-01T00:00Z")
    >>> tables = {name: empty(name) for name in SCHEMA}
    >>> cut(tables, meta, pd.Timestamp("2023-06-01", tz="UTC"))["visits"].empty
    True
    """
    leads = tables["leads"]
    here = of_leads(tables, (leads["arrived_at"] <= moment) & ~(leads["observed_from"] > moment))
    visits = here["visits"][here["visits"]["entered_at"] <= moment].copy()
    unknown = visits["left_at"] > moment
    visits["left_at"] = visits["left_at"].mask(unknown)
    visits["next_stage"] = visits["next_stage"].mask(unknown)
    visits["exit"] = visits["exit"].mask(unknown, "open")
    visits["ready_at"] = visits["ready_at"].mask(visits["ready_at"] > moment)
    efforts = here["efforts"]
    first = efforts["queued_at"].fillna(efforts["started_at"])
    efforts = efforts[first <= moment].copy()
    waiting = efforts["started_at"] > moment
    efforts["worker"] = efforts["worker"].mask(waiting)
    for name in ("started_at", "ended_at"):
        efforts[name] = efforts[name].mask(efforts[name] > moment)
    marks = here["marks"][here["marks"]["at"] <= moment]
    result = {"leads": here["leads"], "visits": visits, "efforts": efforts, "marks": marks}
    for column, when in meta.known.items():
        table, _, name = column.partition(".")
        if when == "overwritten" and name in result[table]:
            blank = result[table][name].notna() & False
            result[table] = result[table].assign(**{name: result[table][name].where(blank)})
    return {name: frame.reset_index(drop=True) for name, frame in result.items()}


def cut_metadata(meta: Metadata, moment: pd.Timestamp) -> Metadata:
    """Return the metadata of a log cut at a moment: nothing in it is later.

    Parameters
    ----------
    meta : Metadata
        Of the whole log.
    moment : pandas.Timestamp
        Within its window.

    Returns
    -------
    Metadata
        Observed until the moment; staffed intervals end there.

    Examples
    --------
    >>> meta = Metadata(observed_from="2023-01-01T00:00Z", observed_until="2024-01-01T00:00Z")
    >>> cut_metadata(meta, pd.Timestamp("2023-06-01", tz="UTC")).observed_until.month
    6
    """
    end = moment.to_pydatetime()
    teams = tuple(
        team.model_copy(
            update={
                "staffed": tuple(
                    interval.model_copy(update={"end": min(interval.end, end)})
                    for interval in team.staffed
                    if interval.start < end
                )
            }
        )
        for team in meta.teams
    )
    return meta.model_copy(update={"observed_until": end, "teams": teams})


def wide(tables: Tables) -> pd.DataFrame:
    """Return one row per visit with its lead, its work and its marks.

    Parameters
    ----------
    tables : mapping
        Tables by name.

    Returns
    -------
    pandas.DataFrame
        As `EventLog.visits_wide` documents.

    Examples
    --------
    >>> from funnelsim.events import SCHEMA
    >>> from funnelsim.events.tables import empty
    >>> wide({name: empty(name) for name in SCHEMA})["n_efforts"].tolist()
    []
    """
    key = ["lead_id", "visit"]
    efforts, marks = tables["efforts"], tables["marks"]
    worked = (efforts["ended_at"] - efforts["started_at"]).dt.total_seconds()
    efforts = efforts.assign(worked_s=worked).dropna(subset=["visit"]).astype({"visit": "int64"})
    work = efforts.groupby(key, sort=False).agg(
        n_efforts=("effort", "size"),
        worked_s=("worked_s", "sum"),
        queued_at=("queued_at", "min"),
        started_at=("started_at", "min"),
        ended_at=("ended_at", "max"),
    )
    marks = marks.dropna(subset=["visit"]).astype({"visit": "int64"})
    by_visit = marks.groupby(key, sort=False)
    marked = by_visit[["value", "cost"]].sum(min_count=1)
    marked.insert(0, "marks", by_visit["kind"].agg(", ".join))
    result = tables["visits"].merge(tables["leads"], on="lead_id", how="left")
    for more in (work, marked):
        result = result.merge(more, left_on=key, right_index=True, how="left")
    result["n_efforts"] = result["n_efforts"].fillna(0).astype("int64")
    result["worked_s"] = result["worked_s"].fillna(0.0)
    return result


def outcomes(tables: Tables) -> pd.DataFrame:
    """Return one row per lead: won, lost, ended or still open.

    Parameters
    ----------
    tables : mapping
        Tables by name.

    Returns
    -------
    pandas.DataFrame
        As `EventLog.outcomes` documents.

    Examples
    --------
    >>> from funnelsim.events import SCHEMA
    >>> from funnelsim.events.tables import empty
    >>> list(outcomes({name: empty(name) for name in SCHEMA}))
    ['lead_id', 'outcome', 'closed_at', 'reason', 'value']
    """
    leads = tables["leads"][["lead_id"]]
    marks = tables["marks"]
    closing = marks[marks["kind"].isin(("won", "lost"))]
    closing = closing.sort_values(["at", "kind"], ascending=[True, False], kind="stable")
    closing = closing.drop_duplicates("lead_id").rename(columns={"kind": "outcome"})
    closing = closing[["lead_id", "outcome", "at", "reason", "value"]]
    result = leads.merge(closing, on="lead_id", how="left").rename(columns={"at": "closed_at"})
    visits = tables["visits"]
    ended = visits[visits["exit"] == "ended"].drop_duplicates("lead_id", keep="last")
    left_at = leads.merge(ended[["lead_id", "left_at"]], on="lead_id", how="left")["left_at"]
    quiet = result["outcome"].isna()
    result["outcome"] = result["outcome"].mask(quiet & left_at.notna(), "ended").fillna("open")
    result["closed_at"] = cast(result["closed_at"].mask(quiet, left_at), TIME)
    return result
