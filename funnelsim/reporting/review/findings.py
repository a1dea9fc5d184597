"""Facts → the sentences and key figures of page 1, in the reader's language."""

from __future__ import annotations

import math
from dataclasses import dataclass

from funnelsim.events import EventLog
from funnelsim.reporting.blocks import kpi, sentence
from funnelsim.reporting.document import Sentence, Tile
from funnelsim.reporting.names import Names
from funnelsim.reporting.review.facts import Facts, limit
from funnelsim.reporting.review.gathering import gather
from funnelsim.reporting.review.risks import risks
from funnelsim.reporting.texts import Texts

__all__ = ["Findings", "advice", "answer", "findings", "tiles"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What page 1 says.

    Parameters
    ----------
    tiles : tuple of Tile
        Five to seven key figures.
    answer, risks : tuple of Sentence
        Where leads are lost, where they are stuck, what limits; three risks.
    advice : dict of str to Sentence
        Do, don't, test first.
    """

    tiles: tuple[Tile, ...]
    answer: tuple[Sentence, ...]
    risks: tuple[Sentence, ...]
    advice: dict[str, Sentence]


def findings(log: EventLog, t: Texts) -> Findings:
    """Say what a log means, in a few sentences with numbers.

    Parameters
    ----------
    log : EventLog
        Any history.
    t : Texts
        The reader's language.

    Returns
    -------
    Findings

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> from funnelsim.reporting.blocks import plain
    >>> from funnelsim.reporting.texts import texts
    >>> plain(findings(BANK, texts("en")).risks[0])[:34]
    '2 of 5 leads are still open: the w'
    """
    facts, names = gather(log), Names.of(log, t)
    return Findings(
        tiles(facts, names, t, log.meta.currency),
        answer(facts, names, t),
        risks(facts, names, t, log),
        advice(facts, names, t),
    )


def tiles(facts: Facts, names: Names, t: Texts, currency: str) -> tuple[Tile, ...]:
    """Write the key figures: what came, what won, what is open, how fast, how busy.

    Parameters
    ----------
    facts : Facts
    names : Names
        Of stages, teams and reasons.
    t : Texts
    currency : str
        Of the value won.

    Returns
    -------
    tuple of Tile
        Only those that the log can tell.
    """
    per_day = t.number(facts.leads / facts.days, 1) if facts.days else "–"
    shown = [
        kpi(t._("Leads arrived"), t.number(facts.leads), t._("{n} per day").format(n=per_day)),
        kpi(
            t._("Leads that win"),
            t.share(facts.win_rate.value),
            _interval(t, t.shares(facts.win_rate.lo, facts.win_rate.hi)),
        ),
        kpi(
            t._("Still open"),
            t.number(facts.open),
            t._("{share} of all leads").format(share=t.share(_ratio(facts.open, facts.leads))),
        ),
        kpi(
            t._("Arrival to closing, median"),
            t.duration(facts.cycle.value),
            _interval(t, t.durations(facts.cycle.lo, facts.cycle.hi)),
        ),
    ]
    if facts.slowest is not None:
        shown.append(
            kpi(
                t._("80% of the work begins within"),
                t.duration(facts.slowest.wait.value),
                t._("slowest: {team}").format(team=names.of_team(facts.slowest.team)),
            )
        )
    if facts.busiest is not None:
        team = names.of_team(facts.busiest.team)
        shown.append(kpi(t._("Busiest team"), t.share(facts.busiest.utilisation), team))
    elif facts.split is not None:
        shown.append(
            kpi(
                t._("Nobody works on the lead"),
                t.share(facts.split.delay),
                t._("of its time"),
            )
        )
    if facts.earned is not None:
        count = facts.earned.leads
        won = t.n_("{n} win in the window", "{n} wins in the window", count).format(
            n=t.number(count)
        )
        shown.append(kpi(t._("Value won"), t.money(facts.earned.value, currency), won))
    return tuple(shown)


def answer(facts: Facts, names: Names, t: Texts) -> tuple[Sentence, ...]:
    """Say how many win, where leads are lost, where they are stuck, what limits.

    Parameters
    ----------
    facts : Facts
    names : Names
    t : Texts

    Returns
    -------
    tuple of Sentence
        Up to four.
    """
    said = [_won(facts, t)]
    if facts.leak is not None:
        said.append(_lost(facts, names, t))
    if facts.stuck is not None:
        said.append(_stuck(facts, names, t))
    if facts.split is not None:
        said.append(_limit(facts, names, t))
    return tuple(said)


def advice(facts: Facts, names: Names, t: Texts) -> dict[str, Sentence]:
    """Say what to do, what not to do, and what to test first.

    Parameters
    ----------
    facts : Facts
    names : Names
    t : Texts

    Returns
    -------
    dict of str to Sentence
        By the words *Do*, *Don't*, *Test first*.
    """
    team = names.of_team(facts.busiest.team) if facts.busiest else ""
    leak = names.of_stage(facts.leak.stage) if facts.leak else ""
    stuck = names.of_stage(facts.stuck.stage) if facts.stuck else ""
    do, dont, test = _counsel(limit(facts), t, team=team, leak=leak)
    return {
        t._("Do"): sentence(do, team=team, leak=leak, stuck=stuck),
        t._("Don't"): sentence(dont, team=team, leak=leak, stuck=stuck),
        t._("Test first"): sentence(test, team=team, leak=leak, stuck=stuck),
    }


def _counsel(limited_by: str, t: Texts, *, team: str, leak: str) -> tuple[str, str, str]:
    """Three templates for what limits the funnel."""
    if limited_by == "people" and team:
        return (
            t._("Relieve “{team}”: more seats, or less work per lead, before anything else."),
            t._("Buy more leads yet: they would wait in the queue of “{team}”."),
            t._("Simulate one more seat in “{team}” with the same seed; compare wins and waits."),
        )
    if limited_by == "people":
        return (
            t._("Shorten the queues: begin work sooner where leads wait longest."),
            t._("Buy more leads yet: they would wait too."),
            t._("Ask for the teams' working hours; with them the busiest team can be named."),
        )
    if limited_by == "delay":
        return (
            t._("Shorten the time in which nobody works, first at “{stuck}”."),
            t._("Hire: leads run out of time while people are free."),
            t._("Simulate half the delay at “{stuck}” with the same seed; compare wins."),
        )
    if leak:
        return (
            t._("Look into the losses at “{leak}”: it is where most leads go."),
            t._(
                "Chase the lowest percentage: 10% more at any stage is 10% more wins. Rank by "
                "headroom, cost, delay and capacity."
            ),
            t._("Try a change at “{leak}” on part of the leads, and compare like with like."),
        )
    return (
        t._("Record every stage change: then losses and delays can be found."),
        t._("Compare teams or sources before more leads have closed."),
        t._("Import the stage history of the CRM and run this report again."),
    )


def _won(facts: Facts, t: Texts) -> Sentence:
    """How many win."""
    if not facts.leads:
        return sentence(t._("**No leads arrived** in this window."))
    if math.isnan(facts.win_rate.value):
        return sentence(
            t._("Of {n} leads **none has closed yet**: nothing can be said about wins."),
            n=t.number(facts.leads),
        )
    return sentence(
        t._(
            "Of {n} leads **{share}** win ({interval}, open ones taken into account): "
            "so far {won} are won, {lost} lost and {open} open."
        ),
        n=t.number(facts.leads),
        share=t.share(facts.win_rate.value),
        interval=_interval(t, t.shares(facts.win_rate.lo, facts.win_rate.hi)),
        won=t.number(facts.won),
        lost=t.number(facts.lost + facts.other),
        open=t.number(facts.open),
    )


def _lost(facts: Facts, names: Names, t: Texts) -> Sentence:
    """Where most are lost, and why."""
    leak = facts.leak
    assert leak is not None  # noqa: S101 - the caller looked
    if leak.reason:
        template = t._(
            "Most are lost at **“{stage}”**: {lost} of the {entered} that came to it, "
            "**{share}** of all losses; most often “{reason}” ({reason_lost})."
        )
    else:
        template = t._(
            "Most are lost at **“{stage}”**: {lost} of the {entered} that came to it, "
            "**{share}** of all losses."
        )
    return sentence(
        template,
        stage=names.of_stage(leak.stage),
        lost=t.number(leak.lost),
        entered=t.number(leak.entered),
        share=t.share(leak.share_of_losses),
        reason=names.of_reason(leak.reason),
        reason_lost=t.number(leak.reason_lost),
    )


def _stuck(facts: Facts, names: Names, t: Texts) -> Sentence:
    """Where leads spend most of their time."""
    stuck = facts.stuck
    assert stuck is not None  # noqa: S101 - the caller looked
    if math.isnan(stuck.median.value):
        template = t._(
            "They are stuck longest at **“{stage}”**: it holds **{share}** of all the time that "
            "undecided leads spend, and more than half are still there."
        )
    else:
        template = t._(
            "They are stuck longest at **“{stage}”**: half stay longer than {median}, "
            "and it holds **{share}** of all the time that undecided leads spend."
        )
    return sentence(
        template,
        stage=names.of_stage(stuck.stage),
        median=t.duration(stuck.median.value),
        share=t.share(stuck.share_of_time),
    )


def _limit(facts: Facts, names: Names, t: Texts) -> Sentence:
    """What limits: conversion, delay or people."""
    split, busiest = facts.split, facts.busiest
    assert split is not None  # noqa: S101 - the caller looked
    values = {
        "wait": t.share(split.wait),
        "delay": t.share(split.delay),
        "work": t.share(split.work),
        "late": t.share(facts.timed_out),
        "team": names.of_team(busiest.team) if busiest else "",
        "busy": t.share(busiest.utilisation) if busiest else "",
    }
    templates = {
        ("people", True): t._(
            "**People limit you**: “{team}” works **{busy}** of its staffed time, and leads "
            "spend {wait} of theirs waiting for somebody."
        ),
        ("people", False): t._(
            "**People limit you**: leads spend **{wait}** of their time waiting for somebody, "
            "and {work} being worked on."
        ),
        ("delay", True): t._(
            "**Delay limits you**: {late} of the leads that do not go on ran out of time, while "
            "the busiest team, “{team}”, works {busy} of its staffed time."
        ),
        ("delay", False): t._(
            "**Delay limits you**: {late} of the leads that do not go on ran out of time; for "
            "{delay} of a lead's time nobody works on it."
        ),
        ("conversion", True): t._(
            "**Conversion limits you, not people**: the busiest team, “{team}”, works {busy} of "
            "its staffed time; for {delay} of a lead's time nobody works on it."
        ),
        ("conversion", False): t._(
            "**Conversion limits you more than people**: leads spend {wait} of their time waiting "
            "for somebody and {work} being worked on; otherwise the client decides."
        ),
    }
    return sentence(templates[limit(facts), busiest is not None], **values)


def _interval(t: Texts, written: str) -> str:
    """An interval with its level; empty when unknown."""
    return t._("95%: {interval}").format(interval=written) if written else ""


def _ratio(part: float, whole: float) -> float:
    """A share, NaN of nothing."""
    return part / whole if whole else math.nan
