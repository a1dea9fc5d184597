"""Distributions as a planner writes them: durations and amounts of money.

A bare value is a constant (``"4 h"``); a mapping names what is known
(``{median: 3 d, p90: 12 d}``). The family may be left out where the numbers
suggest one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    StringConstraints,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from funnelsim.distributions import Mixture, Quantiles, quantiles
from funnelsim.scenarios.frozen import Frozen, Share, spelled_out
from funnelsim.worktime import Duration, parse_duration, plain_number

__all__ = ["Amount", "AmountSpec", "DurationSpec", "DurationText", "Spec"]

Q = TypeVar("Q")
N = TypeVar("N")

DurationText = Annotated[
    Duration,
    BeforeValidator(parse_duration),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*\d+(\.\d+)?([eE][+-]?\d+)?\s*(s|min|h|d|w|bh|bd|mo)\s*$",
            "examples": ["4 h", "3 bd", "2 w", "1 mo"],
        }
    ),
]


def _read_amount(value: object) -> object:
    if isinstance(value, bool):
        msg = f"{value} is not an amount of money; write a plain number such as 150000"
        raise ValueError(msg)
    if isinstance(value, str):
        try:
            value = float(value.replace("\u00a0", "").replace(" ", "").replace("_", ""))
        except ValueError:
            msg = f"{value!r} is not an amount of money; write a plain number such as 150000"
            raise ValueError(msg) from None
    if isinstance(value, (int, float)) and not 0 <= value < math.inf:
        msg = f"{value!r} is not an amount; it must be 0 or more"
        raise ValueError(msg)
    return value


_AmountNumber = Annotated[float, Field(ge=0, examples=[150000])]
_AmountText = Annotated[str, StringConstraints(pattern=r"^\d[\d _\u00a0]*(\.\d+)?$")]
Amount = Annotated[
    float, BeforeValidator(_read_amount, json_schema_input_type=_AmountNumber | _AmountText)
]

# What each family may be given by; a tuple of alternatives, each a set of keys.
# "quantile" stands for any of the level keys.
_LEVELS = ("p05", "p10", "p20", "p25", "median", "p75", "p80", "p90", "p95", "p99")
_MOMENTS = ("mean", "sd", "cv")
_SHAPES = {
    "constant": [{"value"}],
    "uniform": [{"min", "max"}],
    "triangular": [{"min", "likely", "max"}],
    "elicited": [{"low", "likely", "high"}],
    "empirical": [{"values"}, {"values", "weights"}],
    "mixture": [{"mixture"}],
}
_TWO_PARAMETER = ("lognormal", "gamma", "weibull", "loglogistic")

Family = Literal[
    "constant",
    "uniform",
    "triangular",
    "elicited",
    "exponential",
    "gamma",
    "weibull",
    "lognormal",
    "loglogistic",
    "empirical",
    "mixture",
]


class Spec(Frozen, Generic[Q]):
    """A distribution of one kind of quantity."""

    family: Family | None = None
    """Left out: constant, uniform, triangular, empirical or mixture by what is given;
    one mean or quantile → exponential; two numbers → lognormal."""
    value: Q | None = None
    """The one value (constant)."""
    mean: Q | None = None
    """The average; needs ``cv`` or ``sd`` beside it (alone: exponential)."""
    sd: Q | None = None
    """Standard deviation, in the same unit as the mean."""
    cv: float | None = None
    """Coefficient of variation: standard deviation ÷ mean."""
    median: Q | None = None
    """Half lie below; needs a second quantile such as ``p90`` (alone: exponential)."""
    p05: Q | None = None
    p10: Q | None = None
    p20: Q | None = None
    p25: Q | None = None
    p75: Q | None = None
    p80: Q | None = None
    p90: Q | None = None
    """Nine of ten lie below."""
    p95: Q | None = None
    p99: Q | None = None
    min: Q | None = None
    likely: Q | None = None
    """The most frequent value (triangular, elicited)."""
    max: Q | None = None
    low: Q | None = None
    """Without data: one in ten is lower (with ``likely`` and ``high``)."""
    high: Q | None = None
    """Without data: one in ten is higher."""
    values: tuple[Q, ...] | None = None
    """Observed values (empirical)."""
    weights: tuple[float, ...] | None = None
    """How often each of the values occurs; left out: all alike."""
    mixture: tuple[Part[Q], ...] | None = None
    """Several distributions with shares."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """``DurationSpec``, ``AmountPart``: names that a reader of the schema understands."""
        return f"{'Duration' if 'Duration' in str(params[0]) else 'Amount'}{cls.__name__}"

    @model_validator(mode="before")
    @classmethod
    def _bare_value(cls, data: object) -> object:
        if isinstance(data, (str, int, float, Duration)):
            return {"value": data}
        if isinstance(data, dict) and not any(item is not None for item in data.values()):
            msg = "a distribution needs numbers, such as {median: …, p90: …}"
            raise ValueError(msg)
        return data

    @model_validator(mode="after")
    def _determined(self) -> Self:
        given = self.given()
        family = self.family or _guess(given)
        if not _allowed(family, given):
            msg = f"{family} cannot be given by {' and '.join(sorted(given))}. {_ways(family)}"
            raise ValueError(msg)
        if self.cv is not None and self.cv < 0:
            msg = f"cv {self.cv:g} is negative"
            raise ValueError(msg)
        clocks = self.clocks()
        if len(set(clocks)) > 1:
            msg = "elapsed and business durations cannot be mixed in one distribution"
            raise ValueError(msg)
        if clocks and clocks[0] == "months" and family != "constant":
            msg = "calendar months (mo) can only be constant; use d or w for a distribution"
            raise ValueError(msg)
        try:
            self.quantiles(_any_number)
        except ValueError as wrong:
            msg = f"{_as_written(given)}: {wrong}"
            raise ValueError(msg) from None
        return self

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:  # noqa: ANN401
        written = handler(self)
        if not isinstance(written, dict):  # recursive models go through here twice
            return written
        data = {key: item for key, item in written.items() if item is not None}
        return data["value"] if set(data) == {"value"} and not spelled_out(info) else data

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        bare = schema["properties"]["value"]["anyOf"][0]
        text = "One value, or what is known of its distribution: {median: …, p90: …}."
        return {"title": cls.__name__, "description": text, "anyOf": [bare, schema]}

    def given(self) -> dict[str, Any]:
        """The numbers that were given, without the family."""
        fields = type(self).model_fields
        found = {key: getattr(self, key) for key in fields if key != "family"}
        return {key: item for key, item in found.items() if item is not None}

    def shape(self) -> str:
        """The family, named or suggested by the numbers given."""
        return self.family or _guess(self.given())

    def durations(self) -> list[Duration]:
        """All durations in it (none in an amount of money)."""
        found: list[Duration] = []
        for item in self.given().values():
            many = item if isinstance(item, tuple) else (item,)
            found += [q for q in many if isinstance(q, Duration)]
            found += [length for q in many if isinstance(q, Part) for length in q.of.durations()]
        return found

    def clocks(self) -> list[str]:
        """The clocks of all durations in it (empty for money)."""
        return [duration.clock for duration in self.durations()]

    def quantiles(self, number: Callable[[Q], float]) -> Quantiles:
        """The fitted distribution, in the unit ``number`` gives.

        Raises
        ------
        ValueError
            If the numbers contradict each other.
        """
        given = self.given()
        if self.mixture is not None:
            parts = [part.of.quantiles(number) for part in self.mixture]
            return Mixture([part.share for part in self.mixture], parts).quantiles()
        plain = {"cv", "weights"}
        numbers = {
            key: item
            if key in plain
            else ([number(q) for q in item] if key == "values" else number(item))
            for key, item in given.items()
        }
        return quantiles(self.family or _guess(given), numbers)


class Part(Frozen, Generic[N]):
    """One component of a mixture."""

    share: Share
    """How much of the whole it is; shares are scaled to sum to 1."""
    of: Spec[N]
    """Its own distribution."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """As for `Spec`."""
        return f"{'Duration' if 'Duration' in str(params[0]) else 'Amount'}{cls.__name__}"


def _any_number(quantity: object) -> float:
    """A quantity in some unit: enough to see whether the numbers agree."""
    return quantity.microseconds(1) if isinstance(quantity, Duration) else float(str(quantity))


def _as_written(given: dict[str, Any]) -> str:
    """The numbers as the planner gave them."""
    return ", ".join(
        f"{len(item)} {key}"
        if isinstance(item, tuple)
        else f"{key} {plain_number(item) if isinstance(item, float) else item}"
        for key, item in given.items()
    )


def _guess(given: dict[str, Any]) -> str:
    """The family that the given numbers suggest."""
    for family, ways in _SHAPES.items():
        if given.keys() in ways:
            return family
    return "exponential" if len(given) == 1 else "lognormal"


def _allowed(family: str, given: dict[str, Any]) -> bool:
    keys = given.keys()
    if family in _SHAPES:
        return keys in _SHAPES[family]
    levels = keys & set(_LEVELS)
    if family == "exponential":
        return len(keys) == 1 and bool(levels or keys == {"mean"})
    return keys in ({"mean", "sd"}, {"mean", "cv"}) or (len(levels) == 2 and keys == levels)  # noqa: PLR2004


def _ways(family: str) -> str:
    if family in _SHAPES:
        return "Give " + " or ".join(" and ".join(sorted(way)) for way in _SHAPES[family])
    if family == "exponential":
        return "Give the mean, or one quantile such as median"
    return "Give mean and cv (or sd), or two quantiles such as median and p90"


DurationSpec = Spec[DurationText]
AmountSpec = Spec[Amount]
DurationPart = Part[DurationText]  # pickle finds classes by name
AmountPart = Part[Amount]
