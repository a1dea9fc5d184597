"""What a calibration says, in sentences: how sure, how well it fits, what nobody can tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from funnelsim.measures import win_rate
from funnelsim.reporting.blocks import kpi, sentence
from funnelsim.reporting.document import Sentence, Tile
from funnelsim.reporting.fit_review.words import names_of, uses
from funnelsim.reporting.names import Names
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    from funnelsim.reporting.fit_review.gathering import Calibrated

__all__ = ["advice", "answer", "fine", "grades", "named", "risks", "spanned", "tiles", "written"]

SHAKY: Final = ("D", "E")
MOST: Final = 3
FAR: Final = 0.05  # closed-only misses by at least so much


def answer(found: Calibrated, t: Texts) -> tuple[Sentence, ...]:
    """Say what the data says, how well the scenario repeats it, and what it cannot tell.

    Parameters
    ----------
    found : Calibrated
    t : Texts

    Returns
    -------
    tuple of Sentence
        Three or four.
    """
    said = [_first(found, t), _fit(found, t)]
    count = len(found.fit.refusals)
    if count:
        told = t.n_(
            "**{n} thing** cannot be told from this data; it is listed with its reason.",
            "**{n} things** cannot be told from this data; they are listed with their reasons.",
            count,
        )
        said.append(sentence(told, n=t.number(count)))
    return tuple(said)


def tiles(found: Calibrated, t: Texts) -> tuple[Tile, ...]:
    """Key figures: leads, win rate, open leads, figures repeated, numbers, refusals."""
    row, compared = _win_rate(found), found.check.compared
    inside = int(compared["inside"].sum())
    return (
        kpi(t._("Leads arrived"), t.number(row["n"])),
        kpi(
            t._("Leads that win"),
            fine(row["value"], t),
            t._("95%: {interval}").format(interval=t.shares(row["lo"], row["hi"]))
            if math.isfinite(row["lo"])
            else "",
        ),
        kpi(
            t._("Still open"),
            t.number(row["open"]),
            t._("{share} of all leads").format(share=t.share(row["open"] / max(row["n"], 1))),
        ),
        kpi(
            t._("Figures repeated"),
            t._("{n} of {all}").format(n=t.number(inside), all=t.number(len(compared))),
            t._("in the band of {share} of runs").format(share=t.share(found.check.level)),
        ),
        kpi(
            t._("Numbers estimated"),
            t.number(len(found.fit.table)),
            t._("not told: {n}").format(n=t.number(len(found.fit.refusals))),
        ),
    )


def risks(found: Calibrated, t: Texts) -> tuple[Sentence, ...]:
    """What could make the scenario wrong, the gravest first; three at most."""
    said = []
    graver = [f for f in _findings(found) if f.severity == "red"]
    said += [
        sentence(
            t._("**{found}**: {count} ({share})."),
            found=t.said(f.found),
            count=t.number(f.count),
            share=t.share(f.share),
        )
        for f in graver[:1]
    ]
    missed = _worst(found)
    if missed is not None:
        said.append(
            sentence(
                t._(
                    "What the scenario repeats worst is **{what}**: {actual} in the data, {lo} to "
                    "{hi} simulated."
                ),
                what=named(missed, names_of(found, t), t),
                **{
                    key: written(str(missed["measure"]), float(missed[key]), t)
                    for key in ("actual", "lo", "hi")
                },
            )
        )
    if found.drift is not None and len(found.drift.table):
        said.append(
            sentence(
                t._(
                    "The funnel **changed** inside the window: the scenario is a mean of before "
                    "and after. Weigh recent data with --half-life."
                )
            )
        )
    row = _win_rate(found)
    naive = float(row["closed_only"])
    if math.isfinite(naive) and abs(naive - row["value"]) >= FAR:
        said.append(
            sentence(
                t._(
                    "Counting closed leads only would give **{naive}** instead of {share}: do not "
                    "compare with such a number."
                ),
                naive=t.share(naive),
                share=t.share(row["value"]),
            )
        )
    if not said:
        said.append(
            sentence(
                t._(
                    "The future may differ from these months: a scenario knows only what was "
                    "recorded."
                )
            )
        )
    return tuple(said[:MOST])


def advice(found: Calibrated, t: Texts) -> dict[str, Sentence]:
    """Do, don't, test first."""
    shaky = [uses(t)[use] for use, grade in grades(found).items() if grade in SHAKY]
    good = [uses(t)[use] for use, grade in grades(found).items() if grade not in SHAKY]
    said: dict[str, Sentence] = {}
    if good or not shaky:
        told = t._("Ask what-ifs of the scenario: it is a file you can read and change.")
        said[t._("Do")] = sentence(told)
    if shaky:
        told = t._("Do not rely on it for: **{uses}**; the audit says what is missing.")
        said[t._("Don't")] = sentence(told, uses=", ".join(shaky))
    said[t._("Test first")] = sentence(
        t._("Forecast a month that is over, from what was known before it, and compare.")
    )
    raw = found.raw
    if raw is not None and raw.meta.obtain_history:
        said[t._("What would change it")] = sentence("{how}", how=t._(raw.meta.obtain_history))
    return said


def grades(found: Calibrated) -> dict[str, str]:
    """Grade by use, A to E; empty where there was no audit."""
    if found.audit is None:
        return {}
    return {use: str(grade) for use, grade in found.audit.grades.items() if use in USES}


USES: Final = ("conversion", "delays", "staffing", "forecast")


def named(row: Mapping[Any, Any], names: Names, t: Texts) -> str:
    """What a figure of the check is called."""
    stage, team = (name(str(row["item"])) for name in (names.of_stage, names.of_team))
    within = t.share(float(row["at"])) if 0 < row["at"] < 1 else ""
    patterns = {
        "leads": t._("Leads arrived"),
        "win_rate": t._("Leads that win"),
        "conversion": t._("Conversion of “{stage}”"),
        "stay": t._("Stay in “{stage}”, {share} within"),
        "cycle": t._("Arrival to win, {share} within"),
        "wait": t._("Wait for {team}, {share} within"),
        "work": t._("Hours worked by {team}"),
    }
    return patterns[str(row["measure"])].format(stage=stage, team=team, share=within)


def fine(share: float, t: Texts) -> str:
    """A share with one decimal, for a number that much rests on.

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> fine(0.1834, texts("uk"))
    '18,3%'
    """
    if not math.isfinite(share):
        return t.share(share)
    return t.share(0.5).replace("50", t.number(100 * share, 1))


def _between(lo: float, hi: float, t: Texts) -> str:
    """An interval of shares with one decimal."""
    return f"{t.number(100 * lo, 1)}–{fine(hi, t)}" if math.isfinite(lo) else t.share(lo)


def written(measure: str, value: float, t: Texts) -> str:
    """A figure of the check as a person writes it."""
    if measure in {"win_rate", "conversion"}:
        return t.share(value)
    if measure in {"stay", "cycle", "wait"}:
        return t.duration(value)
    if measure == "work":
        return t.duration(value, "h")
    return t.number(value)


def spanned(measure: str, lo: float, hi: float, t: Texts) -> str:
    """The band of a figure of the check, its unit written once."""
    if measure in {"win_rate", "conversion"}:
        return t.shares(lo, hi)
    if measure in {"stay", "cycle", "wait"}:
        return t.durations(lo, hi)
    return f"{written(measure, lo, t)}–{written(measure, hi, t)}"


def _win_rate(found: Calibrated) -> dict[str, Any]:
    """The row of the win rate; zeros and NaN where no lead arrived."""
    table = win_rate(found.log)
    nothing = {"n": 0, "open": 0, **dict.fromkeys(("value", "lo", "hi", "closed_only"), math.nan)}
    return {str(key): value for key, value in table.iloc[0].items()} if len(table) else nothing


def _first(found: Calibrated, t: Texts) -> Sentence:
    """How many leads win, and what the data is good for."""
    row, meta, listed = _win_rate(found), found.log.meta, grades(found)
    known = math.isfinite(row["value"])
    good = [f"{uses(t)[use]} ({grade})" for use, grade in listed.items() if grade not in SHAKY]
    told = (
        t._("From **{leads} leads** to {day}: **{share}** win ({interval}); usable for {usable}.")
        if known and good
        else t._(
            "From **{leads} leads** to {day}: **{share}** win ({interval}); the data is an "
            "indication, no more."
        )
        if known and listed
        else t._("From **{leads} leads** to {day}: **{share}** win ({interval}).")
        if known
        else t._("From **{leads} leads** to {day}: how many win cannot be told.")
    )
    return sentence(
        told,
        leads=t.number(row["n"]),
        day=t.day(meta.observed_until, meta.time_zone),
        share=fine(row["value"], t),
        interval=t._("95%: {interval}").format(interval=_between(row["lo"], row["hi"], t)),
        usable=", ".join(good),
    )


def _fit(found: Calibrated, t: Texts) -> Sentence:
    """How many figures of the data the scenario repeats."""
    compared = found.check.compared
    told = t._(
        "Played over the same time, the scenario repeats **{n} of {all}** figures of the data "
        "within the band of {share} of its runs."
    )
    return sentence(
        told,
        n=t.number(int(compared["inside"].sum())),
        all=t.number(len(compared)),
        share=t.share(found.check.level),
    )


def _worst(found: Calibrated) -> dict[Any, Any] | None:
    """The figure that lies farthest beyond its band, in widths of it."""
    rows = found.check.compared
    rows = rows[~rows["inside"]]
    if not len(rows):
        return None
    beyond = np.maximum(rows["lo"] - rows["actual"], rows["actual"] - rows["hi"])
    wide = np.maximum(rows["hi"] - rows["lo"], 0.01 * rows["actual"].abs())
    return dict(rows.iloc[int(np.argmax(beyond / wide))].items())


def _findings(found: Calibrated) -> list[Any]:
    """The audit's findings, if there was one."""
    return list(found.audit.findings) if found.audit is not None else []
