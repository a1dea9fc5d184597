"""What the numbers of a fit are called: paths, measures and units in words."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from funnelsim.messages import Message
from funnelsim.reporting.names import Names
from funnelsim.reporting.texts import Texts

if TYPE_CHECKING:
    from funnelsim.reporting.fit_review.gathering import Calibrated
    from funnelsim.scenarios.scenario import Scenario

__all__ = ["amount", "between", "measure", "method", "names_of", "reason", "subject", "uses"]

AROUND: Final = re.compile(r"(?P<before>[^\d−]*)(?P<bare>\d.*?)(?P<after>\D*)")
BARE: Final = ("", "leads", "deals", "seats", "ratio")
SHAPES: Final = {
    "way": re.compile(r"next\.to\.(?P<stage>[\w-]+)"),
    "case": re.compile(r"next\.cases\.(?P<number>\d+)\.to\.(?P<stage>[\w-]+)"),
    "effort": re.compile(r"efforts\.(?P<effort>[\w-]+)(\..*)?"),
    "kind": re.compile(r"mix\.(?P<number>\d+)\.(?P<what>share|value)"),
}


def names_of(found: Calibrated, t: Texts) -> Names:
    """Names in the log, and of the stages that only the scenario has."""
    names = Names.of(found.log, t)
    scenario = found.fit.scenario
    stages = {
        key: t.label(stage.label, "") for key, stage in scenario.stages.items() if stage.label
    }
    labels = {key: source.label for key, source in scenario.sources.items() if source.label}
    sources = {
        "sources.leads": t._("leads of no known source"),
        **{f"sources.{key}": t.label(label, "") for key, label in labels.items()},
    }
    return replace(names, stages={**stages, **names.stages}, labels={**sources, **names.labels})


def uses(t: Texts) -> dict[str, str]:
    """What a scenario can be good for, in words."""
    return {
        "conversion": t._("conversion"),
        "delays": t._("delays"),
        "staffing": t._("staffing"),
        "forecast": t._("forecasts"),
    }


def subject(path: str, found: Calibrated, t: Texts) -> str:
    """What part of the scenario a dotted path is about, in words as far as there are any."""
    names = names_of(found, t)
    kind, _, rest = path.partition(".")
    key, _, more = rest.partition(".")
    called = {
        "stages": names.of_stage,
        "teams": names.of_team,
        "sources": names.of_other,
        "calendars": names.of_team,
    }
    if kind not in called:
        whole = {
            "stages": t._("stages"),
            "shocks": t._("good and bad months"),
            "currency": t._("currency"),
            "half_life": t._("weight of recent data"),
            "repeats": t._("repeat orders"),
            **uses(t),
        }
        return whole.get(kind, path)
    if not key:
        return {"stages": t._("stages")}.get(kind, path)
    if kind == "calendars":
        return t._("hours of {team}").format(team=names.of_team(key.removesuffix("-hours")))
    name = t._("all") if key == "*" else called[kind](key)
    if not more:
        return name
    return f"{name}: {_part(key, more, found, t)}"


def measure(name: str, t: Texts) -> str:
    """What of it is measured."""
    known = {
        "median": t._("median"),
        "p90": t._("90% within"),
        "mean": t._("mean"),
        "share": t._("share"),
        "overall_share": t._("share of all"),
        "rate": t._("rate"),
        "cv": t._("CV"),
        "seats": t._("seats"),
        "utilisation": t._("utilisation"),
        "piece_mean": t._("mean of a piece"),
        "won_to_all": t._("won ÷ all"),
        "open_hours": t._("a week"),
        "share_inside": t._("work inside"),
        "unrecorded_losses": t._("losses without record"),
    }
    return known.get(name, name.replace("_", " "))


def method(name: str, t: Texts) -> str:
    """How it was estimated; its parts stand between commas and semicolons."""
    known = {
        "exponential": t._("exponential"),
        "weibull": t._("Weibull"),
        "gamma": t._("gamma"),
        "lognormal": t._("lognormal"),
        "loglogistic": t._("loglogistic"),
        "lognormal mixture": t._("mixture of two lognormals"),
        "constant": t._("constant"),
        "observed": t._("as observed"),
        "normal": t._("normal"),
        "interval by Kaplan-Meier": t._("interval by Kaplan–Meier"),
        "delta method": t._("delta method"),
        "drawn out": t._("drawn out"),
        "Aalen-Johansen": t._("Aalen–Johansen"),
        "mixture cure model": t._("mixture cure model"),
        "maximum likelihood": t._("maximum likelihood"),
        "quantiles of the amounts": t._("quantiles of the amounts"),
        "Student t": t._("Student's t"),
        "Wilson": t._("Wilson"),
        "quasi-Poisson by day": t._("quasi-Poisson by day"),
        "moments of the days' counts": t._("moments of the days' counts"),
        "mean of won deals ÷ mean of all": t._("mean of won deals ÷ mean of all"),
        "Kaplan-Meier at the longest observation": t._("Kaplan–Meier at the longest observation"),
        "Wilson at its effective size": t._("Wilson at its effective size"),
        "moments over {n} periods": t._("moments over {n} periods"),
        "generalised Q": t._("generalised Q"),
        "hands-on time ÷ seats × open hours": t._("hands-on time ÷ seats × open hours"),
        "weighted mean of visits with it": t._("weighted mean of visits with it"),
        "visits with it ÷ visits": t._("visits with it ÷ visits"),
        "weighted for those not over": t._("weighted for those not over"),
        "starts of work by half hour": t._("starts of work by half hour"),
        "moves between stages by half hour": t._("moves between stages by half hour"),
        "people busy while somebody waited": t._("people busy while somebody waited"),
        "presence of workers": t._("presence of workers"),
        "people busy at once": t._("people busy at once"),
        "{n}% of the time at most": t._("{n}% of the time at most"),
    }
    said = []
    for part in re.split(r"([,;] )", name):
        number = re.search(r"\d+", part)
        plain = re.sub(r"\d+", "{n}", part, count=1)
        said.append(known.get(plain, part).replace("{n}", number[0] if number else ""))
    return "".join(said)


def amount(value: float, unit: str, found: Calibrated, t: Texts) -> str:
    """A number by its unit."""
    if not math.isfinite(value):
        return "–"
    currency = found.fit.scenario.currency
    if unit == "share":
        return t.share(value)
    if unit in {"s", "h"}:
        return t.duration(value * (3600 if unit == "h" else 1), "h" if unit == "h" else None)
    if unit.endswith("minor") and currency:
        return t.money(value, currency)
    per = {
        "leads/h": t._("{n} per hour"),
        "leads/d": t._("{n} per day"),
        "leads/w": t._("{n} per week"),
    }
    shown = t.figure(value)
    if unit in per:
        return per[unit].format(n=shown)
    return shown if unit in BARE else f"{shown}\u00a0{unit}"


def between(lo: float, hi: float, unit: str, found: Calibrated, t: Texts) -> str:
    """An interval; what both ends share of their unit is written once."""
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return ""
    if unit == "share":
        return t.shares(lo, hi)
    if unit in {"s", "h"}:
        return t.durations(*(end * (3600 if unit == "h" else 1) for end in (lo, hi)))
    first, last = amount(lo, unit, found, t), amount(hi, unit, found, t)
    if unit in {"leads/h", "leads/d", "leads/w"} or unit in BARE:
        return f"{t.figure(lo)}–{last}"
    ends = [AROUND.fullmatch(end) for end in (first, last)]
    if ends[0] and ends[1] and ends[0].group("before", "after") == ends[1].group("before", "after"):
        return f"{ends[0]['before']}{ends[0]['bare']}–{ends[1]['bare']}{ends[1]['after']}"
    return f"{first} – {last}".replace(" ", "\u00a0")


def reason(why: str, found: Calibrated, t: Texts) -> str:
    """Why something cannot be told, with stages by name."""
    if not isinstance(why, Message) or "ways" not in why.fields:
        return t.said(why)
    names = names_of(found, t)
    ways = ", ".join(
        t._("“{stage}”: {n}").format(stage=names.of_stage(stage), n=n)
        for stage, _, n in (way.rpartition(" ") for way in str(why.fields["ways"]).split(", "))
    )
    return t.said(Message(why.template, **{**why.fields, "ways": ways}))


def _part(key: str, path: str, found: Calibrated, t: Texts) -> str:
    """What of a stage, team or source: its delay, a way out, a piece of work."""
    known = {
        "delay_before": t._("delay before work"),
        "delay_after": t._("delay"),
        "next": t._("ways out"),
        "efforts": t._("work"),
        "rate": t._("leads"),
        "by_hour": t._("hour"),
        "by_weekday": t._("weekday"),
        "by_month": t._("month"),
        "growth": t._("growth"),
        "overdispersion": t._("chance from day to day"),
        "value": t._("value of a deal"),
        "seats": t._("seats"),
        "shrinkage": t._("absence"),
    }
    if path in known:
        return known[path]
    names = names_of(found, t)
    for shape, pattern in SHAPES.items():
        fits = pattern.fullmatch(path)
        if fits is None:
            continue
        if shape == "way":
            return f"→ {names.of_stage(fits['stage'])}"
        if shape == "case":
            when = _when(found, key, int(fits["number"]), t)
            told = t._("→ {stage}, if {when}")
            return told.format(stage=names.of_stage(fits["stage"]), when=when)
        if shape == "effort":
            effort = fits["effort"]
            return names.labels.get(f"efforts.{effort}") or effort.replace("_", " ")
        value = {"share": t._("share"), "value": t._("value of a deal")}[fits["what"]]
        return f"{_kind(found.fit.scenario, key, int(fits['number']), t)}, {value}"
    return path


def _when(found: Calibrated, stage: str, number: int, t: Texts) -> str:
    """The condition of a case, in words."""
    stages = found.fit.scenario.stages
    routes = stages[stage].next if stage in stages else None
    if routes is None or number >= len(routes.cases):
        return str(number + 1)
    when, names = routes.cases[number].when, names_of(found, t)
    told = [
        t._("source {names}").format(names=", ".join(names.of_other(key) for key in when.source)),
        t._("product {names}").format(names=", ".join(when.product)),
        t._("segment {names}").format(names=", ".join(when.segment)),
        t._("visit {n} or later").format(n=when.visit),
        *(
            words.format(time=t.duration(duration.microseconds() / 1e6) if duration else "")
            for words, duration in (
                (t._("the lead is {time} old or older"), when.age),
                (t._("it waited {time} or longer"), when.wait),
                (t._("it stayed {time} or longer"), when.stay),
            )
        ),
    ]
    given = (when.source, when.product, when.segment, when.visit, when.age, when.wait, when.stay)
    return ", ".join(words for words, value in zip(told, given, strict=True) if value)


def _kind(scenario: Scenario, source: str, number: int, t: Texts) -> str:
    """A kind of lead by what it is told apart by."""
    kinds = scenario.sources[source].kinds() if source in scenario.sources else ()
    kind = kinds[number] if number < len(kinds) else None
    known = (kind.segment, kind.product) if kind else ()
    return ", ".join(part for part in known if part) or t._("others")
