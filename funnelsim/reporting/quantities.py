"""Durations, amounts and distributions in words, as a planner gave them."""

from __future__ import annotations

from funnelsim.reporting.texts import Texts
from funnelsim.scenarios.quantity import Spec
from funnelsim.worktime import Duration

__all__ = ["distribution", "exact", "length", "percent"]

FIGURES = 1000  # from here on a fraction is no figure that counts


def exact(value: float, t: Texts) -> str:
    """A number as it was given; what only a measurement can have after four figures is left out.

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> exact(12450000, texts("en")), exact(0.125, texts("en")), exact(14963.8217, texts("en"))
    ('12,450,000', '0.125', '14,964')
    """
    from babel.numbers import format_decimal

    shown = value if value == round(value) or abs(value) >= FIGURES else float(f"{value:.4g}")
    shown = round(shown) if abs(value) >= FIGURES else round(shown, 10)
    return str(format_decimal(shown, format="#,##0.##########", locale=t.locale))


def length(duration: Duration, t: Texts) -> str:
    r"""A duration in the unit it was given in.

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> from funnelsim.worktime import parse_duration
    >>> length(parse_duration("3 bd"), texts("en"))
    '3\xa0business\xa0d'
    """
    patterns = {
        "s": t._("{number} s"),
        "min": t._("{number} min"),
        "h": t._("{number} h"),
        "d": t._("{number} d"),
        "w": t._("{number} wk"),
        "mo": t._("{number} mo"),
        "bh": t._("{number} business h"),
        "bd": t._("{number} business d"),
    }
    return patterns[duration.unit].format(number=exact(duration.amount, t)).replace(" ", "\u00a0")


def distribution(spec: Spec[Duration] | Spec[float], t: Texts) -> str:
    """A distribution in words: what is known of it, and its family.

    Parameters
    ----------
    spec : Spec
        Of durations or amounts of money.
    t : Texts

    Returns
    -------
    str

    Examples
    --------
    >>> from funnelsim.reporting.texts import texts
    >>> from funnelsim.scenarios.quantity import AmountSpec
    >>> distribution(AmountSpec.model_validate({"median": 5, "p90": 9}), texts("en"))
    'median 5, 90% up to 9, lognormal'
    """
    if spec.value is not None:
        return _quantity(spec.value, t)
    if spec.mixture is not None:
        parts = (f"{percent(part.share, t)} ({distribution(part.of, t)})" for part in spec.mixture)
        return t._("mixture of {parts}").format(parts=", ".join(parts))
    given = [_given(key, item, t) for key, item in spec.given().items() if key != "weights"]
    return ", ".join([*given, _family(spec.shape(), t)])


def _given(key: str, item: object, t: Texts) -> str:
    """One number of a distribution with its name."""
    if isinstance(item, tuple):
        return t._("{n} observed values").format(n=len(item))
    patterns = {
        "mean": t._("mean {x}"),
        "sd": t._("standard deviation {x}"),
        "cv": t._("CV {x}"),
        "median": t._("median {x}"),
        "min": t._("at least {x}"),
        "likely": t._("most often {x}"),
        "max": t._("at most {x}"),
        "low": t._("one in ten below {x}"),
        "high": t._("one in ten above {x}"),
    }
    if key in patterns:
        return patterns[key].format(x=_quantity(item, t))
    share = percent(int(key[1:]) / 100, t)
    return t._("{share} up to {x}").format(share=share, x=_quantity(item, t))


def _family(name: str, t: Texts) -> str:
    """A family of distributions."""
    return {
        "uniform": t._("uniform"),
        "triangular": t._("triangular"),
        "elicited": t._("from an expert's guess"),
        "exponential": t._("exponential"),
        "gamma": t._("gamma"),
        "weibull": t._("Weibull"),
        "lognormal": t._("lognormal"),
        "loglogistic": t._("loglogistic"),
        "empirical": t._("drawn as observed"),
    }.get(name, name)


def _quantity(item: object, t: Texts) -> str:
    """A duration or a number."""
    return length(item, t) if isinstance(item, Duration) else exact(float(str(item)), t)


def percent(share: float, t: Texts) -> str:
    """A probability as it was given, in per cent."""
    bare = t.wording().share(0.5).removeprefix("50")
    return f"{exact(100 * share, t)}{bare}"
