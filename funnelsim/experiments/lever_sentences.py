"""What the lever atlas says, in plain sentences; no winner where one cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from funnelsim.experiments.lever_rows import priced
from funnelsim.figures.differences import Scale
from funnelsim.figures.wording import Wording

if TYPE_CHECKING:
    from funnelsim.experiments.atlas import Lever
    from funnelsim.experiments.effects import Effect, Levers
    from funnelsim.experiments.precision import Interval

__all__ = ["sentences"]

_CLEAR = ("better", "more")


def sentences(found: Levers, *, lang: str = "en", text: Callable[[str], str] = str) -> list[str]:
    """Say what the levers do, one fact a sentence.

    Parameters
    ----------
    found : Levers
    lang : str
        Language of numbers and labels.
    text : callable
        Translates the words.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from funnelsim.experiments.levers import levers
    >>> from funnelsim.scenarios.scenario import _TINY, Scenario
    >>> for told in sentences(levers(Scenario.model_validate(_TINY), seed=7, n=20)):
    ...     print(told)
    The largest step is “10% more leads: web”: 14 (12 to 16) for deals won, 10% of 138.
    What limits is conversion, not delay or capacity: a tenth more leads brings 14 (12 to 16),
    every delay a tenth shorter 0 (0 to 0), all work done in a tenth less time 0 (0 to 0).
    """
    teller = _Teller(found, Wording(lang=lang, text=text))
    return [
        *teller.top(),
        teller.limit(),
        *teller.pays(),
        *teller.worth(),
        *teller.nothing(),
        *teller.together(),
        *teller.cut(),
        *teller.left_out(),
    ]


class _Teller:
    """The numbers of an atlas in one language."""

    def __init__(self, found: Levers, wording: Wording) -> None:
        self.found, self.wording, self.text = found, wording, wording.text
        sizes = [size for effect in found.effects for size in effect.interval[:3]]
        self.scale = Scale(found.measure.unit, wording, sizes, found.scenario.currency)
        self.measure = found.measure.words(wording.lang, wording.text)

    def name(self, lever: Lever) -> str:
        """A lever in quotation marks."""
        return self.text("“{lever}”").format(lever=lever.words(self.wording.lang, self.text))

    def span(self, interval: Interval) -> str:
        """A mean with its interval."""
        lo, hi = self.scale.bare(interval.lo), self.scale.bare(interval.hi)
        return self.text("{mean} ({lo} to {hi})").format(
            mean=self.scale.gap(interval.mean), lo=lo, hi=hi
        )

    def top(self) -> Iterator[str]:
        """The largest step, or that one cannot tell."""
        if not self.found.effects:
            return
        first, *others = self.found.effects
        if self.found.top:
            share = abs(first.interval.mean / self.found.baseline) if self.found.baseline else 0.0
            yield self.text(
                "The largest step is {lever}: {gain} for {measure}, {share} of {baseline}."
            ).format(
                lever=self.name(first.lever),
                gain=self.span(first.interval),
                measure=self.measure,
                share=self.wording.share(share),
                baseline=self.scale.value(self.found.baseline),
            )
        elif first.verdict not in _CLEAR:
            yield self.text("No step shows a gain in {measure} that chance would not.").format(
                measure=self.measure
            )
        else:
            yield self.text(
                "One cannot tell which step is the largest: {first} brings {gain}, {second} "
                "{other} for {measure}; too close for {n} runs."
            ).format(
                first=self.name(first.lever),
                gain=self.span(first.interval),
                second=self.name(others[0].lever),
                other=self.span(others[0].interval),
                measure=self.measure,
                n=self.wording.number(len(self.found.base)),
            )

    def limit(self) -> str:
        """Conversion, delay or capacity."""
        patterns = {
            "conversion": self.text("What limits is conversion, not delay or capacity: {tenths}."),
            "delay": self.text("What limits is delay, not conversion or capacity: {tenths}."),
            "capacity": self.text("What limits is capacity, not conversion or delay: {tenths}."),
            None: self.text(
                "One cannot tell whether conversion, delay or capacity limits: {tenths}."
            ),
        }
        told = {name: self.span(gain) for name, gain in self.found.reliefs.items()}
        tenths = self.text(
            "a tenth more leads brings {conversion}, every delay a tenth shorter {delay}, all "
            "work done in a tenth less time {capacity}"
        ).format(**told)
        return patterns[self.found.limit].format(tenths=tenths)

    def pays(self) -> Iterator[str]:
        """Steps whose price is known: whether they pay."""
        table = self.found.table
        for effect, row in zip(self.found.effects, table.to_dict("records"), strict=True):
            if row["priced"] and row["net"] == row["net"]:
                if row["net_lo"] > 0:
                    pattern = self.text("{lever} pays: {gain}, costs {cost}, leaves {net}.")
                elif row["net_hi"] < 0:
                    pattern = self.text("{lever} does not pay: {gain}, costs {cost}.")
                else:
                    pattern = self.text(
                        "Whether {lever} pays one cannot tell: {gain}, costs {cost}."
                    )
                yield pattern.format(
                    lever=self.name(effect.lever),
                    gain=self.span(effect.interval),
                    cost=self.scale.gap(row["cost"]),
                    net=self.scale.gap(row["net"]),
                )

    def worth(self) -> Iterator[str]:
        """What the first step without a price may cost."""
        if self.found.measure.unit != "minor":
            return
        for effect, row in zip(
            self.found.effects, self.found.table.to_dict("records"), strict=True
        ):
            gain = row["net"] if row["net"] == row["net"] else row["uplift"]
            if effect.verdict in _CLEAR and gain > 0 and not self._priced(effect):
                yield self.text(
                    "{lever} is worth paying for up to {net} over this time; what it costs is "
                    "not in the scenario."
                ).format(lever=self.name(effect.lever), net=self.scale.gap(gain))
                return

    def _priced(self, effect: Effect) -> bool:
        return priced(effect.lever, self.found.scenario)

    def nothing(self) -> Iterator[str]:
        """Steps that do harm, or nothing that one could tell."""
        for verdicts, pattern in (
            (("worse", "less"), self.text("Harmful for {measure}: {levers}.")),
            (("same",), self.text("No effect at all on {measure}: {levers}.")),
            (("cannot tell",), self.text("Not to be told from chance: {levers}.")),
        ):
            names = [self.name(e.lever) for e in self.found.effects if e.verdict in verdicts]
            if names:
                yield pattern.format(measure=self.measure, levers=", ".join(names))

    def together(self) -> Iterator[str]:
        """How the first levers go together."""
        for pair in self.found.pairs:
            if pair.interaction.lo > 0:
                pattern = self.text(
                    "{first} and {second} help each other: together {both}, {more} more than apart."
                )
            elif pair.interaction.hi < 0:
                pattern = self.text(
                    "{first} and {second} get in each other's way: together {both}, {more} less "
                    "than apart."
                )
            else:
                pattern = self.text(
                    "{first} and {second} about add up: together {both}; the difference from "
                    "their sum, {gap}, is not to be told from chance."
                )
            first, second = (self.name(self.found[lever].lever) for lever in pair.levers)
            yield pattern.format(
                first=first,
                second=second,
                both=self.span(pair.both),
                more=self.scale.gap(abs(pair.interaction.mean)),
                gap=self.span(pair.interaction),
            )

    def cut(self) -> Iterator[str]:
        """Steps that are smaller than the others of their kind."""
        for effect in self.found.effects:
            lever = effect.lever
            if lever.kind == "delay" and lever.cut:
                yield self.text("{lever}: {time} on average, because there is no more.").format(
                    lever=self.name(lever), time=self.wording.duration(lever.step)
                )

    def left_out(self) -> Iterator[str]:
        """Steps that were not tried."""
        for lever, why in self.found.left_out.items():
            yield self.text("Not tried: {lever} ({why}).").format(lever=lever, why=self.text(why))
