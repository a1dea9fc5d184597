"""Stages: delays, work, limits and where leads go next."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.strategies.frame import Data, Frame, Plain, either
from tests.strategies.numbers import amounts, delays, patience, work

__all__ = ["stages"]

MOMENTS = ("every day 09:00", "mon 09:00", "day 31", "every day 03:30")
BUSINESS_MOMENTS = ("opening", "first business day", "last business day 10:00")


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
                "wait": st.sampled_from(["1 min", "30 min", "3 h"]),
                "stay": st.sampled_from(["1 min", "1 h", "90 min", "1 d"]),
            },
        )
        pairs = st.tuples(when.filter(bool), _ways(later, back))
        cases = draw(st.lists(pairs, min_size=1, max_size=2))
        table["cases"] = [{"when": condition, "to": other} for condition, other in cases]
    return table


@cache
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
    piece = st.fixed_dictionaries(
        {
            "team": st.sampled_from(frame.teams),
            "duration": work(business=business, coarse=frame.coarse),
        },
        optional={
            "priority": st.integers(-1, 2),
            "share": st.sampled_from([0.5, "20 %", 1]),
            "delay": delays(business=business, coarse=frame.coarse),
        },
    )
    names = st.sampled_from(["write", "talk", "check"])
    fewest = draw(st.sampled_from([1, 2]))
    efforts = draw(st.dictionaries(names, piece, min_size=fewest, max_size=3))
    part: Data = {"efforts": efforts}
    join: str = draw(st.sampled_from(["first_refusal", "all", "any", "series", "first_refusal"]))
    if join == "first_refusal" and later:
        shares = draw(st.lists(st.sampled_from([0.5, 0, 0, 1]), min_size=3, max_size=3))
        for effort, share in zip(efforts.values(), [0.2, *shares], strict=False):
            effort["refuse"] = share
        part["refused_to"] = draw(st.sampled_from(later))
    if join != "first_refusal" or later:
        part["join"] = join
    if part.get("join", "series") != "series":
        for effort in efforts.values():
            effort.pop("delay", None)
    if draw(st.booleans()) and later:
        length = draw(patience(coarse=frame.coarse))
        part["patience"] = {"after": length, "to": draw(st.sampled_from(later))}
    return part


def _timeouts(earlier: list[str], later: list[str], *, business: bool, coarse: bool) -> Plain:
    """A time-out; those that lead back take two days, so that loops stay short."""
    after = ["0 min", "5 min", "30 min", "2 h", "1 d", "1 mo"]
    after += ["1 bh", "1 bd", "0.1 bh", "4 bh"] if business else []
    after = ["30 min", "1 h", "30 min", "90 min", "0 min", "1 d"] if coarse else after
    on = st.fixed_dictionaries({"after": st.sampled_from(after), "to": st.sampled_from(later)})
    back = st.fixed_dictionaries({"after": st.just("2 d"), "to": st.sampled_from(earlier)})
    return either(on, on, back)


@st.composite
def stages(draw: st.DrawFn, frame: Frame) -> dict[str, Data]:
    """All stages: the last ones lead nowhere, the others on, and up to three also back."""
    ids = list(frame.stages)
    terminal = draw(st.integers(1, min(3, len(ids))))
    loops = 0
    found = {}
    for i, key in enumerate(ids):
        calendar = draw(st.sampled_from([None, *frame.calendars]))
        business = bool(calendar or frame.default_calendar)
        moments = MOMENTS + (BUSINESS_MOMENTS if business else ())
        delay = delays(business=business, coarse=frame.coarse)
        stage: Data = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "block": st.just("sale"),
                    "marks": _marks(),
                    "delay_before": delay,
                    "delay_after": delay,
                    "until": st.sampled_from([None] * 8 + list(moments)),
                    "label": st.just({"en": "A step", "uk": "Крок"}),
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
                limits = _timeouts(ids[: i + 1], later, business=business, coarse=frame.coarse)
                stage["timeout"] = draw(limits)
        found[key] = {name: value for name, value in stage.items() if value is not None}
    return found
