"""Sources: leads at random, in given numbers, or at given moments."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st

from tests.strategies.frame import Frame, Plain, either
from tests.strategies.numbers import amounts

__all__ = ["sources"]


def sources(frame: Frame, *, leads: int) -> Plain:
    """A source of some ``leads`` on average, or of given counts, or of given moments.

    Where times are coarse leads come at given moments, several at each.
    """
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
    rate = st.sampled_from([leads // 5, leads, leads // 2, 2, leads, leads // 3, 0])
    rates = {"stage": stage, "rate": rate.map(lambda n: f"{n / frame.days:.6g} / d")}
    given = {"stage": stage, "counts": _counts(frame, leads)}
    replayed = {"stage": stage, "replay": _moments(frame, leads)}
    if frame.coarse:
        return st.fixed_dictionaries(replayed, optional=optional)
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
    midnight = datetime.combine(frame.start, datetime.min.time())
    last = max(2, round(frame.days * 48))
    moment = st.integers(0, min(last, 60 if frame.coarse else 200)).map(
        lambda n: (midnight + timedelta(minutes=30 * n)).isoformat()
    )
    together = st.lists(st.tuples(moment, st.sampled_from([1, 5, 12])), min_size=1, max_size=8)
    return together.map(lambda many: [at for at, n in many for _ in range(min(n, leads))])
