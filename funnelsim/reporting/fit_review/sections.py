"""The report on a calibration, section by section: how far to trust the scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from funnelsim.events import EventLog
from funnelsim.figures.overlay import (
    overlay_courses,
    overlay_shares,
    overlay_stays,
    overlay_week,
)
from funnelsim.reporting.blocks import (
    advice,
    cover,
    end,
    figure,
    group,
    kpis,
    risks,
    section,
    summary,
    text,
)
from funnelsim.reporting.document import AnyBlock, Figure, Group
from funnelsim.reporting.evidence import evidence
from funnelsim.reporting.fit_review import tables as fit_tables
from funnelsim.reporting.fit_review.findings import advice as counsel
from funnelsim.reporting.fit_review.findings import answer, tiles
from funnelsim.reporting.fit_review.findings import risks as dangers
from funnelsim.reporting.fit_review.gathering import RUNS, Calibrated, Sources, calibrated
from funnelsim.reporting.fit_review.words import names_of
from funnelsim.reporting.inputs import titled
from funnelsim.reporting.texts import Texts, texts

__all__ = [
    "appendix",
    "audited",
    "changes",
    "fit",
    "front",
    "making",
    "numbers",
    "refused",
    "whole",
    "work",
]

UNNAMED: Final = "calibrated"  # a scenario of a log without a title
MOST_SHARES: Final = 12  # rows of page 1's picture
FEW_SHARES: Final = 6  # so few leave room for another one


def work(  # noqa: PLR0913 - one keyword per thing that can be said
    sources: Sequence[str | Path],
    *,
    mapping: str = "",
    pipeline: str = "",
    time_zone: str = "",
    currency: str = "",
    query: str = "",
    half_life: str = "",
    seed: int = 1,
    n: int = RUNS,
    tell: Callable[[str, float], None] | None = None,
) -> Calibrated:
    """Read, audit, fit, and play the fit against the data.

    Parameters
    ----------
    sources : sequence of str or Path
        Raw exports of one CRM, or a database, or one folder with an event log.
    mapping, pipeline, time_zone, currency, query : str
        What is to be said about the exports; empty: nothing.
    half_life : str
        Weigh recent data more; empty: all alike.
    seed, n : int
        Of the runs that are compared with the data.
    tell : callable, optional
        Told what is being done and which share of it is done.

    Returns
    -------
    Calibrated

    Raises
    ------
    InputError
        The data cannot be read, or tells nothing that a scenario could be made of.
    """
    given = Sources(tuple(sources), mapping, pipeline, time_zone, currency, query)
    return calibrated(given, half_life=half_life, seed=seed, n=n, tell=tell)


def whole(found: Calibrated, lang: str = "en") -> tuple[AnyBlock, ...]:
    """All sections, as the notebook shows them.

    Parameters
    ----------
    found : Calibrated
    lang : str
        Language of the report.

    Returns
    -------
    tuple of Block
    """
    parts = (front, fit, refused, audited, changes, numbers, making, appendix)
    return (*(block for part in parts for block in part(found, lang).blocks), end())


def front(found: Calibrated, lang: str = "en") -> Group:
    """Page 1: what the data says, what it is good for, and how well the scenario repeats it.

    Parameters
    ----------
    found : Calibrated
    lang : str
        Language of the report.

    Returns
    -------
    Group
    """
    t, meta = texts(lang), found.log.meta
    pictures = [_shares(found, t), *([_courses(found, t)] if _room(found) else [])]
    return group(
        cover(
            t.label(meta.title, _name(found)),
            lang=t.spoken,
            as_of=meta.observed_until.date(),
            kicker=t._("Calibration"),
            subtitle=t._("How far can the scenario be trusted?"),
            period=t.period(meta.observed_from, meta.observed_until, meta.time_zone),
            illustrative=meta.illustrative,
        ),
        kpis(tiles(found, t)),
        summary(answer(found, t), title=t._("The answer")),
        *(picture for picture in pictures if picture),
        risks(dangers(found, t), title=t._("Risks")),
        advice(counsel(found, t), title=t._("What follows")),
    )


def _name(found: Calibrated) -> str:
    """What the funnel is called where nothing has a title: as its scenario, else as its file."""
    own = found.fit.scenario.name
    return own if own != UNNAMED else titled(found.sources.files[0]) or own


def fit(found: Calibrated, lang: str = "en") -> Group:
    """The data over simulated runs: stays, arrivals, then figure by figure.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    lead = t._(
        "The scenario is played {n} times over the same months, and its events are measured as "
        "the data's are. Where the black line leaves the band, the scenario does not know why."
    ).format(n=t.number(found.check.n))
    drawn = [_stays(found, t), _week(found, t)]
    if not _room(found):
        drawn.insert(0, _courses(found, t))
    return group(
        section(t._("Does the scenario repeat the data?")),
        text(lead),
        *(picture for picture in drawn if picture),
        fit_tables.compared(found, t),
    )


def refused(found: Calibrated, lang: str = "en") -> Group:
    """What the data cannot tell.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    shown = fit_tables.refused(found, t)
    told = t._("Everything that was asked of this data, it could tell.")
    return group(section(t._("What this data cannot tell")), shown or text(told))


def audited(found: Calibrated, lang: str = "en") -> Group:
    """The audit: grades, findings, how to get the history.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
        Empty where a saved event log was given.
    """
    if found.audit is None or found.raw is None:
        return group()
    t = texts(lang)
    how = found.raw.meta.obtain_history
    parts = [fit_tables.graded(found, t), fit_tables.audited(found, t)]
    return group(
        section(t._("The audit of the data")),
        *(part for part in parts if part),
        *([text(t._(how))] if how else []),
    )


def changes(found: Calibrated, lang: str = "en") -> Group:
    """What changed inside the window.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    shown = fit_tables.changes(found, t)
    nothing = (
        t._("The data holds no history of stages, so changes over time cannot be seen.")
        if found.drift is None
        else t._("No conversion and no delay changed beyond chance inside the window.")
    )
    return group(section(t._("What changed over time")), shown or text(nothing))


def numbers(found: Calibrated, lang: str = "en") -> Group:
    """Every number with its interval, n and method.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    return group(section(t._("Every number and how sure it is")), fit_tables.numbers(found, t))


def making(found: Calibrated, lang: str = "en") -> Group:
    """How the report was made: files, fingerprints, seeds, definitions.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    t = texts(lang)
    told = t._(
        "Shares are Aalen–Johansen estimates with losses as competing outcomes, times Kaplan–Meier "
        "estimates: open leads count. A band holds {share} of the runs; each run draws its "
        "parameters anew from their uncertainty, so the band is what the scenario expects of data "
        "like these. The runs are compared with the data they were fitted to: agreement is needed, "
        "but it does not prove a forecast."
    ).format(share=t.share(found.check.level))
    checked = evidence(
        found.log,
        source=found.sources.files[0],
        graded={str(use): grade for use, grade in found.audit.grades.items()}
        if found.audit
        else {},
    )
    return group(
        section(t._("How this report was made")), fit_tables.origins(found, t), text(told), checked
    )


def appendix(found: Calibrated, lang: str = "en") -> Group:
    """The scenario's numbers: sources, stages, teams.

    Parameters
    ----------
    found, lang
        As for `front`.

    Returns
    -------
    Group
    """
    from funnelsim.reporting.what_ifs.sections import appendix as scenario_appendix

    return scenario_appendix(found.fit.scenario, lang)


def _room(found: Calibrated) -> bool:
    """Whether page 1 has room for a second picture."""
    return len(found.check.of("conversion")) <= FEW_SHARES


def _shares(found: Calibrated, t: Texts) -> Figure | None:
    """Conversions and the win rate: page 1's picture."""
    frame = found.check.table
    rows = frame[frame["measure"].isin(["conversion", "win_rate"]) & frame["n"].gt(0)]
    rows = rows[rows["actual"].notna()].sort_values(
        "measure", key=lambda names: names.eq("win_rate"), kind="stable"
    )
    if not len(rows):
        return None
    rows = rows.tail(MOST_SHARES)  # the table has them all
    rows = rows.assign(item=rows["item"].where(rows["measure"] == "conversion", "(leads that win)"))
    words = _words(found, t)
    words["labels"] = {**words["labels"], "(leads that win)": t._("Leads that win")}
    caption = t._("Stage conversion and win rate: the data, and where {share} of runs lie")
    return figure(
        overlay_shares(rows, **words),
        caption=caption.format(share=t.share(found.check.level)),
        key="fit-shares",
    )


def _stays(found: Calibrated, t: Texts) -> Figure | None:
    """Who is still in a stage after a while."""
    rows = found.check.of("stay")
    longest = rows.groupby("item", sort=False)["actual"].max()
    rows = rows[rows["item"].isin(longest[longest > 0].index)]
    if not len(rows):
        return None
    caption = t._("Share of leads that are still in the stage, by time since they entered it")
    drawn = overlay_stays(rows, **_words(found, t))
    return figure(drawn, caption=caption, key="fit-stays")


def _courses(found: Calibrated, t: Texts) -> Figure | None:
    """Leads arrived and won so far."""
    frames = {
        t._("Leads arrived so far"): found.check.of("arrived_so_far"),
        t._("Leads won so far"): found.check.of("won_so_far"),
    }
    if not all(len(frame) for frame in frames.values()):
        return None
    words = _words(found, t)
    words.pop("labels")
    drawn = overlay_courses(frames, _local(found.log), **words)
    return figure(drawn, caption=t._("Leads over time"), key="fit-courses")


def _week(found: Calibrated, t: Texts) -> Figure | None:
    """When leads arrive."""
    days, hours = found.check.of("arrivals_weekday"), found.check.of("arrivals_hour")
    if not len(days) or not len(hours):
        return None
    words = _words(found, t)
    words.pop("labels")
    drawn = overlay_week(days, hours, unit=t._("leads per hour"), **words)
    caption = t._("When leads arrive: by weekday, and by hour")
    return figure(drawn, caption=caption, key="fit-week")


def _local(log: EventLog) -> Any:  # noqa: ANN401 - a naive datetime
    """The beginning of the window on the wall clock."""
    from zoneinfo import ZoneInfo

    return log.meta.observed_from.astimezone(ZoneInfo(log.meta.time_zone)).replace(tzinfo=None)


def _words(found: Calibrated, t: Texts) -> dict[str, Any]:
    """How a picture writes."""
    names: Mapping[str, str] = names_of(found, t).all()
    return {"labels": names, "lang": t.locale, "text": t._}
