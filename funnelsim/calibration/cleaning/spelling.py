"""Numbers as a planner would write them: four digits, a fitting unit, shares that sum to 1."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.worktime import HOUR, parse_duration, plain_number

__all__ = ["digits", "length", "open_hours", "shares"]

_UNITS = (("d", 86_400.0, 2.0), ("h", 3_600.0, 2.0), ("min", 60.0, 2.0), ("s", 1.0, 0.0))


def digits(number: float, count: int = 4) -> float:
    """Round to a number of significant digits.

    Examples
    --------
    >>> digits(12345.678), digits(0.00123456)
    (12350.0, 0.001235)
    """
    return float(f"{number:.{count}g}")


def length(seconds: float) -> str:
    """Write a length of time in elapsed units.

    Parameters
    ----------
    seconds : float
        0 or more.

    Examples
    --------
    >>> length(0), length(44.6821), length(5400), length(1_140_619)
    ('0 s', '44.68 s', '90 min', '13.2 d')
    """
    unit, size, _ = next(known for known in _UNITS if seconds >= known[1] * known[2])
    return f"{plain_number(digits(seconds / size))} {unit}"


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Round shares so that they still sum to exactly 1; the largest takes the rest.

    Parameters
    ----------
    weights : mapping
        Way → weight, not all 0.

    Examples
    --------
    >>> shares({"won": 1, "lost": 2})
    {'won': 0.3333, 'lost': 0.6667}
    """
    total = sum(weights.values())
    rounded = {way: round(weight / total, 4) for way, weight in weights.items()}
    largest = max(rounded, key=lambda way: weights[way])
    rest = 1 - sum(share for way, share in rounded.items() if way != largest)
    return rounded | {largest: round(rest, 4)}


def open_hours(spec: object) -> object:
    """Write a distribution of elapsed lengths as one of open hours of a calendar.

    Parameters
    ----------
    spec : object
        Plain data in the language.

    Examples
    --------
    >>> open_hours({"median": "90 min", "p90": "2 d"})
    {'median': '1.5 bh', 'p90': '48 bh'}
    """
    if isinstance(spec, Mapping):
        kept = {"family", "share", "weights"}
        return {key: item if key in kept else open_hours(item) for key, item in spec.items()}
    if isinstance(spec, list):
        return [open_hours(item) for item in spec]
    hours = parse_duration(spec).microseconds() / HOUR
    return f"{plain_number(digits(hours, 5))} bh"
