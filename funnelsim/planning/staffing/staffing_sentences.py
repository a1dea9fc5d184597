"""What forecasts of staffing and plans of hires say, in plain sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from funnelsim.figures.wording import Wording
from funnelsim.scenarios.frozen import label_text

if TYPE_CHECKING:
    from funnelsim.planning.staffing.hiring import HiringPlan
    from funnelsim.planning.staffing.staffing_forecast import StaffingForecast

__all__ = ["hiring_sentence", "odds", "sentence", "team_sentence"]

_EVEN: Final = 0.5


def sentence(found: StaffingForecast, *, lang: str = "en", text: Callable[[str], str] = str) -> str:
    """Say who is needed in the busiest week, team by team."""
    parts = [team_sentence(found, team, lang=lang, text=text) for team in found.teams]
    return " ".join(parts)


def team_sentence(
    found: StaffingForecast,
    team: str,
    *,
    lang: str = "en",
    text: Callable[[str], str] = str,
    name: str = "",
) -> str:
    """Say what one team needs in its busiest week, and what it has.

    Parameters
    ----------
    found : StaffingForecast
    team : str
    lang : str
        Language of numbers and labels.
    text : callable
        Translates the words.
    name : str
        What the team is called; left out: its label.

    Returns
    -------
    str
    """
    wording = Wording(lang=lang, text=text)
    plan = found.plan[found.plan["team"] == team].reset_index(drop=True)
    row = plan.iloc[int(np.argmax(plan["fte"].to_numpy()))]
    gap = float(row["gap"])
    pattern = (
        text("{team}: {need} full-time people in the week of {week}, {now} are there: {gap} short.")
        if gap > 0.05  # noqa: PLR2004 - would be written 0.0
        else text("{team}: {need} full-time people in the week of {week}, {now} are there: enough.")
    )
    return pattern.format(
        team=name or label_text(found.scenario.teams[team].label, wording.lang, team),
        need=wording.number(float(row["fte"]), 1),
        now=wording.number(float(row["fte_now"]), 1),
        gap=wording.number(gap, 1),
        week=wording.tick(row["period_start"].date(), "yMMMd"),
    )


def hiring_sentence(
    plan: HiringPlan, *, lang: str = "en", text: Callable[[str], str] = str, name: str = ""
) -> str:
    """Say whom to hire by when, and the chance that one more is needed.

    Parameters
    ----------
    plan : HiringPlan
    lang : str
        Language of numbers and dates.
    text : callable
        Translates the words.
    name : str
        What the team is called; left out: its id.

    Returns
    -------
    str
    """
    wording = Wording(lang=lang, text=text)
    table = plan.table
    planned, more = table[table["planned"]], table[~table["planned"]]
    words = {"team": name or plan.team}
    if len(planned):
        last = planned.iloc[-1]
        words["n"] = str(wording.number(float(last["hire"])))
        words["day"] = wording.day(last["needed_by"].date())
        words["decide"] = wording.day(planned.iloc[0]["decide_by"].date())
    if len(more):
        words["chance"] = odds(float(more.iloc[0]["chance"]), wording)
        words["next"] = str(wording.number(float(more.iloc[0]["hire"])))
    if len(planned) and bool(planned.iloc[0]["late"]):
        words["decide"] = text("at once")
    patterns = {
        (True, True): text(
            "{team}: {n} more by {day} (decide: {decide}); {chance} that {next} are needed."
        ),
        (True, False): text("{team}: {n} more by {day} (decide: {decide})."),
        (False, True): text("{team}: nobody for now; {chance} that {next} more are needed."),
        (False, False): text("{team}: nobody has to be hired."),
    }
    return patterns[bool(len(planned)), bool(len(more))].format(**words)


def odds(chance: float, wording: Wording) -> str:
    """A chance as people say it: ``1 in 5``, from one half on in per cent.

    Examples
    --------
    >>> odds(0.2, Wording()), odds(0.75, Wording())
    ('1 chance in 5', '75% chance')
    """
    if chance >= _EVEN:
        return wording.text("{share} chance").format(share=wording.share(chance))
    return wording.text("1 chance in {n}").format(n=wording.number(round(1 / chance)))
