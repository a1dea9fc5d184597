"""Hypothesis strategies for scenarios of the whole language, small enough to run at once.

Everything is drawn as plain data, as it would stand in a file, and then validated. Three
things are arranged rather than left to chance:

- *sizes*: about a hundred leads, seldom more than 300, and loops that end;
- *ties*: whole minutes, lengths of zero, several leads replayed at one moment, gates that
  let everybody in at once, teams that open in the morning to a full queue;
- *edges*: nights when clocks change, zones with odd offsets, ends of months, holidays.

``tests/features.py`` names what a scenario contains; a test shows that all is reached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from funnelsim.scenarios.scenario import Scenario

__all__ = ["SEEDS", "UNLIMITED", "Frame", "amounts", "distributions", "scenarios", "sources"]

Data = dict[str, Any]
Plain = st.SearchStrategy[Any]

SEEDS = st.integers(0, 2**64 - 1)
UNLIMITED = 1000
"""Seats that are enough for every lead at once."""

ZONES = ("UTC", "Europe/Kyiv", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
STARTS = (
    "2026-01-05",
    "2026-03-27",  # Europe's clocks change on the 29th
    "2026-04-03",  # Easter; Lord Howe's clocks change on the 5th
    "2026-10-23",  # Europe's clocks change on the 25th
    "2026-12-29T13:45:00",
    "2028-01-31",
)
DAYS = {"3 d": 3.0, "1 w": 7.0, "36 h": 1.5, "2 w": 14.0, "1 mo": 30.0, "5 w": 35.0}
WARM_UPS = {"0 d": 0.0, "1 d": 1.0, "1 w": 7.0}
STAGES = ("ask", "call", "deal", "lost", "offer", "pay", "visit", "won")
TEAMS = ("desk", "back", "field")
SOURCES = ("web", "fair", "ad")


@dataclass(frozen=True)
class Frame:
    """What the parts of a scenario have to know of each other while they are drawn."""

    start: date
    days: float
    stages: tuple[str, ...]
    sources: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    calendars: tuple[str, ...] = ()
    default_calendar: str | None = None

    def day(self, n: int) -> str:
        """The date ``n`` days after the start of the run."""
        return (self.start + timedelta(days=n)).isoformat()


def either(*ways: Plain) -> Plain:
    """One of several, each as likely (``one_of`` would count the ways within the ways)."""
    return st.sampled_from(ways).flatmap(lambda way: way)


# --- numbers --------------------------------------------------------------------------------------


def distributions(write: Callable[[float], Any]) -> Plain:
    """A distribution of some quantity; ``write`` turns a number into the quantity."""
    simple = either(_constants(write), _bounded(write), _fitted(write), _observed(write))
    parts = st.lists(st.tuples(st.integers(1, 9), simple), min_size=1, max_size=3)
    mixture = parts.map(lambda many: {"mixture": [{"share": n / 10, "of": of} for n, of in many]})
    return either(_constants(write), simple, simple, mixture)


def _constants(write: Callable[[float], Any]) -> Plain:
    whole = st.sampled_from([0, 1, 1, 2, 5, 10, 30]).map(write)
    return whole | whole.map(lambda value: {"family": "constant", "value": value})


def _bounded(write: Callable[[float], Any]) -> Plain:
    def spread(low: int, width: int, likely: int | None) -> Data:
        ends = {"min": write(low), "max": write(low + width)}
        return ends if likely is None else {**ends, "likely": write(low + width * likely / 4)}

    return st.builds(spread, st.integers(0, 9), st.integers(1, 30), st.none() | st.integers(0, 4))


def _fitted(write: Callable[[float], Any]) -> Plain:
    """The families with parameters, by each way to give them."""
    value = st.sampled_from([0.5, 1.0, 3.0, 10.0, 20.0])
    ratio = st.sampled_from([1.5, 2.5, 4.0])
    cv = st.sampled_from([0.0, 0.2, 0.8, 1.7])
    names = st.sampled_from([None, "lognormal", "gamma", "weibull", "loglogistic"])
    family = names.map(lambda name: {"family": name} if name else {})
    alone = st.sampled_from(["mean", "median", "p90"])
    exponential = {"family": "exponential"}
    return either(
        st.builds(lambda key, v: exponential | {key: write(v)}, alone, value),
        st.builds(lambda v: {"mean": write(v)}, value),
        st.builds(lambda f, v, c: f | {"mean": write(v), "cv": c}, family, value, cv),
        st.builds(lambda f, v, c: f | {"mean": write(v), "sd": write(v * c)}, family, value, cv),
        st.builds(
            lambda f, v, r: f | {"median": write(v), "p90": write(v * r)}, family, value, ratio
        ),
        st.builds(lambda f, v, r: f | {"p25": write(v), "p80": write(v * r)}, family, value, ratio),
    )


def _observed(write: Callable[[float], Any]) -> Plain:
    seen = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), min_size=1, max_size=5)
    values = seen.map(lambda many: {"values": [write(v) for v, _ in many]})
    return values | seen.map(
        lambda many: {"values": [write(v) for v, _ in many], "weights": [n for _, n in many]}
    )


def _in(unit: str) -> Plain:
    return distributions(lambda number: f"{number:.6g} {unit}")


def amounts() -> Plain:
    """Money in major units, with fractions of the minor unit."""
    return distributions(lambda number: round(number * 123.456, 3))


def _delays(*, business: bool) -> Plain:
    """A delay; in business time only where there is a calendar for it."""
    clocks = [_in("min"), _in("min"), _in("h"), st.sampled_from(["1 h", "1 d", "1 mo"])]
    return either(*clocks, *([_in("bh"), st.sampled_from(["0.5 bd", "1 bd"])] if business else []))


def _work(*, business: bool) -> Plain:
    """Working time; business days only where the team surely has a calendar."""
    hands_on = [_in("min"), _in("min"), _in("bh")]
    return either(*hands_on, *([st.just("0.25 bd")] if business else []))


# --- calendars, teams, sources --------------------------------------------------------------------

HOURS = (
    {"mon-fri": "09:00-18:00"},
    {"mon-fri": ["09:00-13:00", "14:00-18:00"], "sat": "10:00-13:00"},
    {"mon-sun": "00:00-24:00"},
    {"mon-sun": "22:00-06:00"},
    {"mon-sun": ["08:00-08:10", "12:30-12:40", "16:00-16:10"]},  # a gate: lets all in at once
    {"mon-sun": "02:00-04:00"},  # where clocks change
    {"tue, thu": ["00:00-12:00", "12:00-24:00"]},
)


def _calendars() -> Plain:
    optional = {
        "zone": st.sampled_from(ZONES),
        "holidays": st.sampled_from(["PL", "DE-BY", "UA"]),
        "closed": st.sampled_from([["2026-01-07"], ["2026-03-30", "2026-10-26"]]),
    }
    return st.fixed_dictionaries({"hours": st.sampled_from(HOURS)}, optional=optional)


def _teams(frame: Frame, *, unlimited: bool) -> Plain:
    """A team with few seats, or with enough for everybody."""
    optional: dict[str, Plain] = {"at_close": st.sampled_from(["finish", "pause"])}
    calendar = {"calendar": st.sampled_from(frame.calendars)} if frame.calendars else {}
    optional |= calendar
    if unlimited:
        return st.fixed_dictionaries({"seats": st.just(UNLIMITED)}, optional=optional)
    optional |= {
        "shrinkage": st.just(0.3),
        "attrition": st.just(0.99),
        "replaced_after": st.sampled_from(["0 d", "1 d", "1 w"]),
        "cost_per_hour": st.just(250),
    }
    seats = st.sampled_from([1, 2, 1, 3, 4, 2, 0])
    dates = st.sampled_from(
        [{}, {"end": frame.day(4)}, {"start": frame.day(1)}, {"start": frame.day(0), "ramp": "3 d"}]
    )
    entry = st.builds(
        dict.__or__, st.fixed_dictionaries({"seats": seats}, optional=calendar), dates
    )
    staff = st.lists(entry, min_size=1, max_size=3)
    return either(
        st.fixed_dictionaries({"seats": seats}, optional=optional),
        st.fixed_dictionaries({"seats": seats}, optional=calendar),
        st.fixed_dictionaries({"staff": staff}, optional=optional),
    )


def sources(frame: Frame, *, leads: int) -> Plain:
    """A source of some ``leads`` on average, or of given counts, or of given moments."""
    first = st.just(frame.stages[0])
    stage = either(first, first, st.sampled_from(frame.stages))
    kind = {"product": st.sampled_from(["card", "loan"]), "segment": st.sampled_from(["a", "b"])}
    mix = st.lists(
        st.fixed_dictionaries({}, optional=kind | {"value": amounts()}), min_size=2, max_size=3
    )
    optional: dict[str, Plain] = kind | {
        "funnel": st.just("retail"),
        "mix": mix.map(lambda parts: [p | {"share": 1 / len(parts)} for p in parts]),
        "value": amounts(),
        "cost": amounts(),
    }
    when: dict[str, Plain] = {
        "by_weekday": st.sampled_from([{"mon-fri": 1, "sat-sun": 0}, {"sat": 5}, {"mon": 0.5}]),
        "by_hour": st.sampled_from([{"9-10": 1}, {"2-4": 2, "8-20": 1}, {"0-24": 1}]),
    }
    restless: dict[str, Plain] = {
        "by_month": st.sampled_from([{"jan": 0.5, "apr": 1.5}, {"mar": 0, "oct": 2}]),
        "growth": st.sampled_from(["10 % / w", "-20 % / mo"]),
        "campaigns": st.just([{"start": frame.day(1), "end": frame.day(3), "times": 2}]),
        "overdispersion": st.just(0.5),
    }
    rate = st.sampled_from([leads // 5, leads, leads // 2, 2, 0])
    rates = {"stage": stage, "rate": rate.map(lambda n: f"{n / frame.days:.6g} / d")}
    given = {"stage": stage, "counts": _counts(frame, leads)}
    replayed = {"stage": stage, "replay": _moments(frame, leads)}
    return either(
        st.fixed_dictionaries(rates, optional=when),
        st.fixed_dictionaries(rates, optional=optional | when),
        st.fixed_dictionaries(rates, optional=optional | when | restless),
        st.fixed_dictionaries(given, optional=optional | when),
        st.fixed_dictionaries(replayed, optional=optional),
    )


def _counts(frame: Frame, leads: int) -> Plain:
    row = st.lists(st.integers(0, max(1, leads // 4)), min_size=1, max_size=4)
    return st.builds(
        lambda day, every, paths: {"start": frame.day(day), "every": every, "paths": paths},
        st.integers(-1, 2),
        st.sampled_from(["1 d", "2 d", "1 w"]),
        st.lists(row, min_size=1, max_size=2),
    )


def _moments(frame: Frame, leads: int) -> Plain:
    """Moments on the half hour, several leads at each."""
    noon = datetime.combine(frame.start, datetime.min.time())
    last = max(2, round(frame.days * 48))
    moment = st.integers(0, min(last, 200)).map(
        lambda n: (noon + timedelta(minutes=30 * n)).isoformat()
    )
    together = st.lists(st.tuples(moment, st.sampled_from([1, 5, 12])), min_size=1, max_size=8)
    return together.map(lambda many: [at for at, n in many for _ in range(min(n, leads))])


# --- stages ---------------------------------------------------------------------------------------


def _shares(ids: list[str]) -> st.SearchStrategy[dict[str, float]]:
    """Shares of some of the ids; they sum to 1, and one may be 0."""
    some: st.SearchStrategy[list[str]] = st.lists(
        st.sampled_from(ids), min_size=1, max_size=3, unique=True
    )
    cuts = st.tuples(st.sampled_from([30, 60, 90, 100, 0]), st.sampled_from([50, 20, 0, 100]))

    def split(keys: list[str], cut: tuple[int, int]) -> dict[str, float]:
        first = cut[0] if len(keys) > 1 else 100
        second = (100 - first) * cut[1] / 100 if len(keys) > 2 else 100 - first
        return dict(
            zip(keys, (n / 100 for n in (first, second, 100 - first - second)), strict=False)
        )

    return st.builds(split, some, cuts)


def _ways(later: list[str], back: str | None) -> st.SearchStrategy[dict[str, float]]:
    """Shares of later stages; with ``back``, up to two of five go there instead."""
    if back is None:
        return _shares(later)
    return st.builds(
        lambda to, n: {key: share * (100 - n) / 100 for key, share in to.items()} | {back: n / 100},
        _shares(later),
        st.sampled_from([20, 40, 1]),
    )


@st.composite
def _routes(draw: st.DrawFn, later: list[str], back: str | None, frame: Frame) -> Any:
    """A routing table, perhaps with cases."""
    to = draw(_ways(later, back))
    if draw(st.booleans()) and len(to) == 1:
        return next(iter(to))
    table: Data = {"advance": draw(st.sampled_from(sorted(to))), "to": to}
    if draw(st.sampled_from([False, False, True])):
        when = st.fixed_dictionaries(
            {},
            optional={
                "source": st.sampled_from([frame.sources[0], list(frame.sources)]),
                "product": st.just("card"),
                "segment": st.just("a"),
                "visit": st.just(2),
                "age": st.sampled_from(["1 h", "2 d"]),
                "wait": st.sampled_from(["1 min", "3 h"]),
            },
        )
        pairs = st.tuples(when.filter(bool), _ways(later, back))
        cases = draw(st.lists(pairs, min_size=1, max_size=2))
        table["cases"] = [{"when": condition, "to": other} for condition, other in cases]
    return table


def _marks() -> Plain:
    kind = st.sampled_from(["won", "lost", "qualified", "paid"])
    optional = {
        "reason": st.sampled_from(["price", "ціна"]),
        "value": either(st.just("deal"), amounts()),
        "cost": amounts(),
    }
    many = st.lists(
        st.fixed_dictionaries({"kind": kind}, optional=optional), min_size=1, max_size=3
    )
    return either(kind, many)


@st.composite
def _efforts(draw: st.DrawFn, later: list[str], frame: Frame) -> Data:
    """Up to three pieces of work, one after another or side by side, with patience."""
    business = frame.default_calendar is not None
    effort = st.fixed_dictionaries(
        {"team": st.sampled_from(frame.teams), "duration": _work(business=business)},
        optional={"priority": st.integers(-1, 2)},
    )
    names = st.sampled_from(["write", "talk", "check"])
    efforts = draw(st.dictionaries(names, effort, min_size=1, max_size=3))
    part: Data = {"efforts": efforts}
    join: str = draw(st.sampled_from(["series", "all", "any", "first_refusal"]))
    if join == "first_refusal" and later:
        for name in efforts:
            efforts[name]["refuse"] = draw(st.sampled_from([0.5, 0.1]))
        part["refused_to"] = draw(st.sampled_from(later))
    if join != "first_refusal" or later:
        part["join"] = join
    if draw(st.booleans()) and later:
        part["patience"] = {"after": draw(_in("min")), "to": draw(st.sampled_from(later))}
    return part


def _timeouts(earlier: list[str], later: list[str], *, business: bool) -> Plain:
    """A time-out; those that lead back take at least a day, so that loops stay short."""
    after = ["0 min", "5 min", "30 min", "2 h", "1 d", "1 mo"]
    after += ["1 bh", "1 bd", "0.1 bh", "4 bh"] if business else []
    on = st.fixed_dictionaries({"after": st.sampled_from(after), "to": st.sampled_from(later)})
    back = st.fixed_dictionaries({"after": st.just("1 d"), "to": st.sampled_from(earlier)})
    return either(on, on, back)


MOMENTS = ("every day 09:00", "mon 09:00", "day 31", "every day 03:30")
BUSINESS_MOMENTS = ("opening", "first business day", "last business day 10:00")


@st.composite
def _stages(draw: st.DrawFn, frame: Frame) -> dict[str, Data]:
    """All stages: the last ones lead nowhere, the others on, and up to three also back."""
    ids = list(frame.stages)
    terminal = draw(st.integers(1, min(3, len(ids))))
    loops = 0
    stages = {}
    for i, key in enumerate(ids):
        calendar = draw(st.sampled_from([None, *frame.calendars]))
        business = bool(calendar or frame.default_calendar)
        moments = MOMENTS + (BUSINESS_MOMENTS if business else ())
        delay = _delays(business=business)
        stage: Data = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "block": st.just("sale"),
                    "marks": _marks(),
                    "delay_before": delay,
                    "delay_after": delay,
                    "until": st.sampled_from([None] * 8 + list(moments)),
                },
            )
        )
        stage |= {"calendar": calendar} if calendar else {}
        later = ids[i + 1 :] if i < len(ids) - terminal else []
        if frame.teams and draw(st.sampled_from([True, True, False])):
            stage |= draw(_efforts(later, frame))
        if later:
            back = draw(st.sampled_from([None, key, *ids[:i]])) if loops < 3 else None
            loops += back is not None
            stage["next"] = draw(_routes(later, back, frame))
            if draw(st.booleans()):
                stage["timeout"] = draw(_timeouts(ids[: i + 1], later, business=business))
        stages[key] = {name: value for name, value in stage.items() if value is not None}
    return stages


# --- the whole ------------------------------------------------------------------------------------


@st.composite
def _dated_changes(draw: st.DrawFn, frame: Frame, parts: Data) -> Data:
    """What will change on a known date."""
    paths: list[tuple[str, Any]] = [
        (f"stages.{key}.delay_before", "20 min") for key in frame.stages
    ]
    paths += [
        (f"sources.{k}.rate", {"times": 1.5}) for k, s in parts["sources"].items() if "rate" in s
    ]
    paths += [(f"teams.{k}.seats", {"add": 1}) for k, t in parts["teams"].items() if "seats" in t]
    chosen = draw(
        st.lists(st.sampled_from(paths), min_size=1, max_size=3, unique_by=lambda p: p[0])
    )
    day = frame.day(draw(st.integers(-1, 4)))
    return {"later": {"set": dict(chosen), "start": day}}


@st.composite
def scenarios(draw: st.DrawFn, *, leads: int = 100, unlimited: bool = False) -> Scenario:
    """A scenario.

    Parameters
    ----------
    leads : int
        Mean number of leads of a steady source, at most.
    unlimited : bool
        Every team has seats enough for all, so that no lead can be in another's way.
    """
    start = draw(st.sampled_from(STARTS))
    horizon, warm_up = draw(st.sampled_from(list(DAYS))), draw(st.sampled_from(list(WARM_UPS)))
    calendars = draw(
        st.dictionaries(st.sampled_from(["office", "night"]), _calendars(), max_size=2)
    )
    default: str | None = draw(st.sampled_from([None, *calendars]))
    count: int = draw(st.sampled_from([2, 1, 3, 4, 5, 6, 7, 8]))
    frame = Frame(
        start=date.fromisoformat(start[:10]),
        days=DAYS[horizon] + WARM_UPS[warm_up],
        stages=tuple(draw(st.permutations(STAGES)))[:count],
        sources=SOURCES[: draw(st.sampled_from([1, 2, 3]))],
        teams=TEAMS[: draw(st.sampled_from([1, 2, 3, 0]))],
        calendars=tuple(calendars),
        default_calendar=default,
    )
    parts: Data = {
        "calendars": calendars,
        "teams": {key: draw(_teams(frame, unlimited=unlimited)) for key in frame.teams},
        "sources": {
            key: draw(sources(frame, leads=leads // len(frame.sources))) for key in frame.sources
        },
        "stages": draw(_stages(frame)),
    }
    parts |= {"calendar": default} if default else {}
    if draw(st.sampled_from([False, False, True])):
        shock = {
            "period": "week",
            "cv": 0.4,
            "sources": list(frame.sources[:1]),
            "stages": [frame.stages[0]],
        }
        parts["shocks"] = {"mood": shock}
    if not unlimited and draw(st.sampled_from([False, False, True])):
        parts["changes"] = draw(_dated_changes(frame, parts))
    return Scenario.model_validate(
        {
            "funnelsim": 1,
            "name": "drawn",
            "currency": draw(st.sampled_from(["UAH", "JPY"])),
            "time_zone": draw(st.sampled_from(ZONES)),
            "run": {"start": start, "horizon": horizon, "warm_up": warm_up},
        }
        | parts
    )
