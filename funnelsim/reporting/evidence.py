"""What a check of a report needs to know: flows, counts, bounds, grades; never printed.

Leads are counted here once more and in another way than the measures count them, so that a
slip in either shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from funnelsim.events import EventLog
from funnelsim.forecasting.samples import levels
from funnelsim.measures import cycle_time, mass_balance, win_rate
from funnelsim.reporting.document import Evidence, Flow, Interval
from funnelsim.reporting.inputs import fingerprint, is_export, open_scenario
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from funnelsim.experiments import Replications
    from funnelsim.scenarios.scenario import Scenario

__all__ = ["counts", "evidence", "grades", "of_experiment"]

EXITS: Final = ("moved", "timed_out", "reneged", "ended", "open")
SIMULATED: Final = "seed"


def evidence(
    log: EventLog,
    t: Texts | None = None,
    *,
    source: str | Path,
    mapping: str | Path = "",
    overrides: Mapping[str, object] | None = None,
    graded: Mapping[str, str] | None = None,
    scenario: Scenario | None = None,
    forecast: Mapping[str, ArrayLike] | None = None,
) -> Evidence:
    """Collect what a check needs from the log that a report is about.

    Parameters
    ----------
    log : EventLog
    t : Texts, optional
        If page 1 tells how many leads there are and how many won: how it writes them.
    source, mapping : str or Path
        What the log was made from.
    overrides : mapping, optional
        What was changed in a scenario.
    graded : mapping, optional
        Grades of an audit already made.
    scenario : Scenario, optional
        The one simulated, where `source` is none.
    forecast : mapping of str to array_like, optional
        A sample of what the report forecasts, by what it is; checked is P10 to P90.

    Returns
    -------
    Evidence

    Examples
    --------
    >>> import tempfile
    >>> from funnelsim.measures.example import BANK
    >>> with tempfile.TemporaryDirectory() as name:
    ...     found = evidence(BANK, source=BANK.save(Path(name, "log"), format="csv"))
    >>> dict(found.counts)
    {'leads': 5, 'won': 2, 'lost': 1, 'ended': 0, 'open': 2}
    """
    told = counts(log)
    ahead = [
        Interval(what=what, value=p50, lo=p10, hi=p90)
        for what, draws in (forecast or {}).items()
        for p10, p50, p90 in [levels(draws, (0.1, 0.5, 0.9))]
    ]
    simulated = scenario or open_scenario(source, overrides=overrides)
    return Evidence(
        input_sha256=fingerprint(source) if Path(source).exists() else "",
        simulated=simulated is not None or SIMULATED in log.meta.provenance,
        observed_from=log.meta.observed_from,
        observed_until=log.meta.observed_until,
        flows=_flows(log),
        counts=told,
        told=() if t is None else tuple(t.number(told[name]) for name in _said(log, told)),
        intervals=(*_key_figures(log), *ahead),
        grades=grades(source, mapping) if graded is None else graded,
        scenario=_yaml(simulated),
    )


def of_experiment(
    base: Replications, *, source: str | Path, overrides: Mapping[str, object] | None = None
) -> Evidence:
    """Collect what a check needs from runs of a scenario: the first one stands for all.

    Parameters
    ----------
    base : Replications
        Of the funnel as things are.
    source : str or Path
        The scenario's file.
    overrides : mapping, optional
        What was changed in it.

    Returns
    -------
    Evidence
    """
    from funnelsim.engine import simulate

    log = simulate(base.scenario, seed=base.seed)
    found = evidence(log, source=source, overrides=overrides, graded={}, scenario=base.scenario)
    rows = base.summary().to_dict("records")
    wanted = ("leads", "won", "win_share", "cycle_time")
    intervals = tuple(
        interval
        for row in rows
        if row["measure"] in wanted
        for interval in _finite(str(row["measure"]), row["mean"], row["lo"], row["hi"])
    )
    return found.model_copy(update={"intervals": intervals})


def counts(log: EventLog) -> dict[str, int]:
    """Count the leads that arrived in the window, and what became of them, from the raw tables.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    dict of str to int
        ``leads`` and, of these, ``won``, ``lost`` (first mark), ``ended`` without either, ``open``.
    """
    meta, leads = log.meta, log.leads
    inside = leads["arrived_at"].ge(meta.observed_from) & leads["arrived_at"].lt(
        meta.observed_until
    )
    ids = leads.loc[inside, "lead_id"]
    closing = log.marks[log.marks["kind"].isin(["won", "lost"])].sort_values("at", kind="stable")
    first = closing.drop_duplicates("lead_id").set_index("lead_id")["kind"]
    visits = log.visits.sort_values(["lead_id", "visit"], kind="stable")
    last = visits.drop_duplicates("lead_id", keep="last").set_index("lead_id")["exit"]
    fate, exit_ = ids.map(first), ids.map(last)
    undecided = fate.isna()
    return {
        "leads": len(ids),
        "won": int(fate.eq("won").sum()),
        "lost": int(fate.eq("lost").sum()),
        "ended": int((undecided & exit_.eq("ended")).sum()),
        "open": int((undecided & exit_.eq("open")).sum()),
    }


def grades(source: str | Path, mapping: str | Path = "") -> dict[str, str]:
    """Grade a raw export for each use; nothing for what is none.

    Parameters
    ----------
    source, mapping : str or Path

    Returns
    -------
    dict of str to str
        Use → A (sound) to E (not usable).
    """
    if not is_export(source):
        return {}
    from funnelsim.calibration.auditing.audit import audit
    from funnelsim.calibration.readers.crm import read_crm

    return {
        str(use): grade
        for use, grade in audit(read_crm(Path(source), mapping=mapping or None)).grades.items()
    }


def _flows(log: EventLog) -> tuple[Flow, ...]:
    """In and out, stage by stage, and all leads."""
    rows = mass_balance(log).to_dict("records")
    return tuple(
        Flow(
            what=str(row["stage"]),
            entries=int(row["value"]),
            came=int(row["arrived"]) + int(row["came"]),
            left=sum(int(row[name]) for name in EXITS),
        )
        for row in rows
    )


def _said(log: EventLog, told: Mapping[str, int]) -> list[str]:
    """What page 1 says of them: nothing of wins where none has closed yet."""
    if not told["leads"]:
        return []
    rate = win_rate(log)["value"]
    return ["leads", "won"] if len(rate) and math.isfinite(rate.iloc[0]) else ["leads"]


def _key_figures(log: EventLog) -> Iterable[Interval]:
    """Page 1's estimates that have bounds."""
    for name, table in (
        ("win_rate", win_rate(log)),
        ("cycle_time", cycle_time(log, percentiles=[0.5])),
    ):
        for row in table.head(1).to_dict("records"):
            yield from _finite(name, row["value"], row["lo"], row["hi"])


def _finite(what: str, value: float, lo: float, hi: float) -> list[Interval]:
    """An interval, if it is known."""
    if not all(map(math.isfinite, (value, lo, hi))):
        return []
    return [Interval(what=what, value=float(value), lo=float(lo), hi=float(hi))]


def _yaml(scenario: Scenario | None) -> str:
    """A scenario as text."""
    if scenario is None:
        return ""
    from funnelsim.scenarios.saving import to_yaml

    return to_yaml(scenario)
