"""The funnel review, section by section: log → blocks.

A section shows what the log can support and says plainly what it cannot.
"""

from __future__ import annotations

from collections.abc import Callable

from funnelsim import measures
from funnelsim.errors import HistoryError
from funnelsim.events import EventLog
from funnelsim.reporting import provenance, stress_des
from funnelsim.reporting.blocks import advice, cover, group, kpis, risks, section, summary, text
from funnelsim.reporting.document import AnyBlock, Group
from funnelsim.reporting.evidence import evidence
from funnelsim.reporting.inputs import open_scenario
from funnelsim.reporting.review import commentary, pictures, tables
from funnelsim.reporting.review.cohort_tables import by_arrival, young
from funnelsim.reporting.review.findings import findings
from funnelsim.reporting.review.key_figures import key_figures
from funnelsim.reporting.review.value_tables import money, worth
from funnelsim.reporting.texts import Texts, texts

__all__ = ["appendix", "cohorts", "flow", "front", "funnel", "load", "making", "time", "value"]

Part = Callable[[EventLog, Texts], AnyBlock | None]


def front(log: EventLog, lang: str = "en") -> Group:
    """Page 1: the answer, one picture, three risks, what follows.

    Parameters
    ----------
    log : EventLog
        Any history.
    lang : str
        Language of the report.

    Returns
    -------
    Group

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> [block.kind for block in front(BANK).blocks]
    ['cover', 'kpis', 'summary', 'figure', 'risks', 'advice']
    """
    t = texts(lang)
    found = findings(log, t)
    meta = log.meta
    parts = [
        cover(
            t.label(meta.title, t._("Sales funnel")),
            lang=t.spoken,
            as_of=meta.observed_until.date(),
            kicker=t._("Funnel review"),
            subtitle=_origin(log, t),
            period=t.period(meta.observed_from, meta.observed_until, meta.time_zone),
            illustrative=meta.illustrative,
        ),
        kpis(found.tiles),
        summary(found.answer, title=t._("The answer")),
        *_shown(log, t, pictures.overview),
        risks(found.risks, title=t._("Risks")),
        advice(found.advice, title=t._("What follows")),
    ]
    return group(*(part for part in parts if part.kind != "text"))


def funnel(log: EventLog, lang: str = "en") -> Group:
    """Conversion stage by stage, losses with their reasons, sources.

    Parameters
    ----------
    log, lang
        As for `front`.

    Returns
    -------
    Group

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> [block.kind for block in funnel(BANK).blocks]
    ['section', 'text', 'text', 'table', 'table', 'table']
    """
    t = texts(lang)
    return _section(
        log,
        t,
        t._("Who goes on and who is lost"),
        t._(
            "Of the leads that came to a stage, how many go on to the next. Two numbers are "
            "called conversion: stage conversion divides by the stage before, “of all leads” "
            "by everybody who arrived."
        ),
        commentary.weakest,
        tables.stages,
        tables.lost,
        tables.sources,
    )


def flow(log: EventLog, lang: str = "en") -> Group:
    """Where leads go: on, back, aside, out.

    Parameters
    ----------
    log, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    return _section(
        log,
        t,
        t._("Where leads go"),
        t._(
            "Where the leads are, day by day, and every move between stages: on to the next, past "
            "a stage, back, or out."
        ),
        commentary.open_leads,
        pictures.cumulative_flow,
        commentary.moves,
        pictures.flow,
    )


def time(log: EventLog, lang: str = "en") -> Group:
    """Dwell times, and what they are made of: delay, wait and work.

    Parameters
    ----------
    log, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    return _section(
        log,
        t,
        t._("How long it takes"),
        t._(
            "Leads that are still in a stage have stayed at least this long; percentiles take "
            "them into account. Half of the leads leave a stage within the median, nineteen of "
            "twenty within the 95% mark."
        ),
        commentary.cycle,
        pictures.dwell_time,
        tables.times,
        commentary.split,
        pictures.time_split,
    )


def load(log: EventLog, lang: str = "en") -> Group:
    """Arrivals over the week, teams, and how old the open leads are.

    Parameters
    ----------
    log, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    return _section(
        log,
        t,
        t._("Load: leads, teams, open deals"),
        t._(
            "When leads come, how busy the teams are, and which open leads are older than is "
            "usual in their stage: those need a decision first."
        ),
        commentary.rush_hour,
        pictures.arrivals,
        pictures.utilisation,
        tables.teams,
        commentary.ageing,
        commentary.board,
        pictures.ageing,
    )


def cohorts(log: EventLog, lang: str = "en") -> Group:
    """Who wins, by when they arrived; young cohorts marked and completed.

    Parameters
    ----------
    log, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    title = t._("Cohorts: is it getting better?")
    return _section(log, t, title, "", young, by_arrival)


def value(log: EventLog, lang: str = "en") -> Group:
    """Key figures, and money won month by month; empty where no deal has a value.

    Parameters
    ----------
    log, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    return _section(log, t, t._("Value and key figures"), "", worth, key_figures, money)


def making(
    log: EventLog,
    lang: str = "en",
    *,
    source: str,
    mapping: str = "",
    overrides: dict[str, object] | None = None,
) -> Group:
    """How the report was made: input, seed, versions, definitions.

    Parameters
    ----------
    log, lang
        As for `front`.
    source, mapping : str
        The files the log was made from.
    overrides : dict, optional
        What was changed in the scenario.

    Returns
    -------
    Group
    """
    t = texts(lang)
    return group(
        section(t._("How this report was made")),
        *(text(paragraph) for paragraph in _definitions(log, t)),
        provenance.making(log, t, source=source, mapping=mapping, overrides=overrides),
        *_shown(log, t, provenance.assumed),
        evidence(log, t, source=source, mapping=mapping, overrides=overrides),
    )


def appendix(
    log: EventLog,
    lang: str = "en",
    *,
    source: str,
    overrides: dict[str, object] | None = None,
) -> Group:
    """The STRESS-DES checklist of the simulation behind the report.

    Parameters
    ----------
    log, lang
        As for `front`.
    source : str
        The file the log was made from.
    overrides : dict, optional
        What was changed in the scenario.

    Returns
    -------
    Group

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> [block.kind for block in appendix(BANK, source="deals.csv").blocks]
    ['section', 'text']
    """
    t = texts(lang)
    scenario = open_scenario(source, overrides=overrides)
    told = (
        stress_des.checklist(scenario, log, t, source=source)
        if scenario
        else stress_des.no_scenario(log, t)
    )
    return group(section(t._("Appendix: STRESS-DES, how the simulation was made")), *told)


def _origin(log: EventLog, t: Texts) -> str:
    """Whether a simulation or a day's data speaks."""
    seed = log.meta.provenance.get("seed")
    if seed:
        return t._("Simulated, seed {seed}").format(seed=seed)
    day = t.day(log.meta.observed_until, log.meta.time_zone)
    return t._("As known on {day}").format(day=day)


def _section(log: EventLog, t: Texts, title: str, lead: str, *parts: Part) -> Group:
    """A heading, a sentence on what it shows, and the parts; nothing if there are none."""
    shown = _shown(log, t, *parts)
    if not shown:
        return group()
    return group(section(title), *([text(lead)] if lead else []), *shown)


def _shown(log: EventLog, t: Texts, *parts: Part) -> list[AnyBlock]:
    """The parts the log can support; one sentence for those it cannot."""
    shown: list[AnyBlock] = []
    refused = False
    for part in parts:
        try:
            block = part(log, t)
        except HistoryError:
            refused = True
            continue
        if block is not None:
            shown.append(block)
    if refused:
        shown.append(
            text(
                t._(
                    "The data holds only the latest state of each lead, so moves between "
                    "stages and times in stages cannot be shown. Import the stage history."
                )
            )
        )
    return shown


def _definitions(log: EventLog, t: Texts) -> list[str]:
    """What the numbers mean."""
    said = [
        t._(
            "Counted are the leads that arrived in the window (the cohort), not the state of two "
            "days. A lead that skipped a stage counts as having passed it."
        ),
        t._(
            "Open leads: shares that win or go on are Aalen–Johansen estimates with losses as "
            "competing outcomes, percentiles of time are Kaplan–Meier estimates. Intervals hold "
            "with 95% confidence for leads that behave independently."
        ),
        t._(
            "What limits: people, if the busiest team works 85% or more of its staffed time or "
            "leads spend half of their time waiting for somebody; else delay, if half of the "
            "leads that do not go on ran out of time; else conversion."
        ),
    ]
    if measures.outcomes(log)["value"].sum() == 0:
        said = said[:1]
    return said
