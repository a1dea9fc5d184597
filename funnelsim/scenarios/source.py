"""A source: where leads come from, how many, when, and of what kind."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from funnelsim.scenarios.calendar import Day, weekdays
from funnelsim.scenarios.frozen import Frozen, Id, Label, Share
from funnelsim.scenarios.quantity import AmountSpec, DurationText
from funnelsim.scenarios.rate import (
    GrowthText,
    HourWeights,
    MonthWeights,
    RateText,
    WeekdayWeights,
    hour_window,
)
from funnelsim.worktime import Duration

__all__ = ["Campaign", "Counts", "Mix", "Source"]

_TOLERANCE = 1e-9


class Campaign(Frozen):
    """Days on which more (or fewer) leads come."""

    start: Day
    """First day."""
    end: Day
    """The day after the last."""
    times: Annotated[float, Field(ge=0)]
    """Factor on the rate, for example 2.5."""

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if not self.start < self.end:
            msg = f"a campaign ends after it starts; end {self.end} is the day after the last"
            raise ValueError(msg)
        return self


class Mix(Frozen):
    """One kind of lead within a source."""

    share: Share
    """Share of the source's leads; the shares of a mix sum to 1."""
    segment: str = ""
    """Who they are; left out: the source's."""
    product: str = ""
    """What they ask for; left out: the source's."""
    value: AmountSpec | None = None
    """Value of a deal; left out: the source's."""


class Counts(Frozen):
    """Given counts of leads by period: one row a sample path."""

    start: Day
    """First day of the first period."""
    every: DurationText = Duration(1, "w")
    """Length of a period in days or weeks."""
    paths: tuple[tuple[Annotated[int, Field(ge=0)], ...], ...] = Field(min_length=1)
    """Replication r follows row r (again from the first after the last)."""

    @field_validator("every")
    @classmethod
    def _days(cls, every: Duration) -> Duration:
        if every.unit not in {"d", "w"} or every.amount < 1 or every.amount % 1:
            msg = f"{every}: periods are whole days or weeks"
            raise ValueError(msg)
        return every


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, (str, datetime)) else value


class Source(Frozen):
    """A stream of leads into one stage.

    Its times come from a ``rate``, from ``counts`` by period or from a
    ``replay`` of given moments.

    Examples
    --------
    >>> source = Source.model_validate({"stage": "demo", "rate": "7 / d", "by_weekday": {"sun": 0}})
    >>> [round(24 * hours[0], 2) for hours in source.profile()]
    [8.17, 8.17, 8.17, 8.17, 8.17, 8.17, 0.0]
    """

    label: Label = {}
    """What the source is called in reports."""
    stage: Id
    """The stage its leads enter."""
    rate: RateText | None = None
    """Mean rate over a whole week at the start of the run; the profiles only say when."""
    by_weekday: WeekdayWeights = {}
    """Relative weights: ``{mon-fri: 1, sat: 0.4}``; weekdays not named count 1."""
    by_hour: HourWeights = {}
    """Relative weights by window of local hours: ``{"9-12": 3, "12-18": 2}``; hours not
    named count 0 (all count 1 if nothing is named)."""
    by_month: MonthWeights = {}
    """Factors on the rate by season: ``{jan: 0.8, dec: 1.3}``; months not named count 1."""
    growth: GrowthText | None = None
    """Compound growth from the start of the run: ``2 % / mo``."""
    campaigns: tuple[Campaign, ...] = ()
    """Days on which more (or fewer) leads come."""
    overdispersion: Annotated[float, Field(ge=0, le=3)] = 0
    """How restless the days are: coefficient of variation of a random factor per day."""
    counts: Counts | None = None
    """Given counts instead of a rate, for example the sample paths of a forecast."""
    replay: Annotated[tuple[datetime, ...], BeforeValidator(_one_or_many)] = ()
    """Given moments instead of a rate: a history to run again (local time, or with offset)."""
    product: str = ""
    """What they ask for; a column to break reports down by."""
    segment: str = ""
    """Who they are, for example ``retail``; a column to break reports down by."""
    funnel: str = ""
    """Which funnel they belong to where a firm has several."""
    mix: tuple[Mix, ...] = ()
    """Kinds of leads with shares: segments, products, values."""
    value: AmountSpec | None = None
    """Value of a deal, in the scenario's currency."""
    cost: AmountSpec | None = None
    """What one lead costs (advertising), booked when it arrives."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("rate", "counts", "replay") if getattr(self, name)]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            msg = f"a source has exactly one of rate, counts and replay; here it has {found}"
            raise ValueError(msg)
        if self.mix and abs(sum(part.share for part in self.mix) - 1) > _TOLERANCE:
            shares = ", ".join(f"{part.share:g}" for part in self.mix)
            msg = f"the shares of the mix sum to {sum(p.share for p in self.mix):g} ({shares})"
            raise ValueError(msg)
        return self

    def kinds(self) -> tuple[Mix, ...]:
        """The kinds of leads, spelled out: at least one."""
        whole = Mix(share=1.0, segment=self.segment, product=self.product, value=self.value)
        return tuple(
            Mix(
                share=part.share,
                segment=part.segment or self.segment,
                product=part.product or self.product,
                value=part.value or self.value,
            )
            for part in self.mix
        ) or (whole,)

    def weights(self) -> list[list[float]]:
        """Relative weights by weekday (7 rows, Monday first) and local hour (24), mean 1."""
        by_day = [1.0] * 7
        for key, weight in self.by_weekday.items():
            for day in weekdays(key):
                by_day[day] = weight
        by_hour = [0.0 if self.by_hour else 1.0] * 24
        for key, weight in self.by_hour.items():
            for hour in hour_window(key):
                by_hour[hour] = weight
        factor = 168 / (sum(by_day) * sum(by_hour))
        return [[factor * day * hour for hour in by_hour] for day in by_day]

    def profile(self) -> list[list[float]]:
        """Leads per hour by weekday (7 rows, Monday first) and local hour (24)."""
        per_hour = self.rate.per_hour if self.rate else 0.0
        return [[per_hour * weight for weight in hours] for hours in self.weights()]
