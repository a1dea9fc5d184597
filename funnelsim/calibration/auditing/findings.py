"""What an audit can find: in plain words, how grave, for what it matters, what to fix.

The texts have no fields, so that a report can translate them as they stand; names, dates
and numbers stand in `Finding.details` and `Finding.numbers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from funnelsim.calibration.cleaning.ledger import REPAIRS

__all__ = ["KINDS", "TEXTS", "USES", "Finding", "Kind", "Severity", "Use"]

Severity = Literal["info", "caution", "red"]
Use = Literal["conversion", "delays", "staffing", "forecast"]
USES: Final[tuple[Use, ...]] = ("conversion", "delays", "staffing", "forecast")
C, D, S, F = USES


@dataclass(frozen=True, slots=True)
class Kind:
    """From which share on a finding calls for caution and is red, and for which uses."""

    caution: float
    red: float
    uses: tuple[Use, ...]
    fix: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found.

    Parameters
    ----------
    kind : str
        A short name that stays the same, a key of `KINDS`; of the reader's notes, their own.
    severity : str
        ``info``, ``caution`` or ``red``.
    count, of : int
        How many, of how many.
    share : float
        ``count / of``, 0 to 1.
    found, done, fix : str
        What was found, what was done about it, and what to fix in the CRM: sentences
        without fields.
    examples : tuple of str
        At most five, as ``deal (file:row)``.
    details : str
        Names and dates, the same in every language.
    numbers : mapping
        What is in the details, by name.
    uses : tuple of str
        What it matters for.

    Examples
    --------
    >>> finding = Finding("deleted_deals", "info", 3, 200, *TEXTS["deleted_deals"], "")
    >>> print(finding)
    Deals that were deleted: 3 of 200 (1.5 %). They are left out.
    """

    kind: str
    severity: Severity
    count: int
    of: int
    found: str
    done: str
    fix: str
    examples: tuple[str, ...] = ()
    details: str = ""
    numbers: Mapping[str, object] = field(default_factory=dict)
    uses: tuple[Use, ...] = ()

    @property
    def share(self) -> float:
        """How large a part it is of what was looked at, 0 to 1; 0 where that is not known."""
        return min(self.count / self.of, 1.0) if self.of else 0.0

    @property
    def score(self) -> float:
        """How grave, 0 to 100: what the list is sorted by."""
        rank = ("info", "caution", "red").index(self.severity)
        kind = KINDS.get(self.kind)
        weight = min(self.share / kind.red, 1.0) if kind and kind.red > 0 else self.share
        return round(100 * (rank + min(weight, 0.999)) / 3, 1)

    def __str__(self) -> str:
        share = f" of {self.of:,} ({100 * self.share:.3g} %)" if self.of else ""
        text = f"{self.found}: {self.count:,}{share}"
        text += f" – {self.details}" if self.details else ""
        return " ".join(part for part in (f"{text}.", self.done, self.fix) if part)


# kind → what was found, what was done
TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    **REPAIRS,
    "possible_duplicates": (
        "Deals like another one: same customer, day and value, different id",
        "They count as deals of their own.",
    ),
    "skipped_stages": ("Moves that skip a stage", "The stages skipped count as not entered."),
    "backward_moves": ("Moves back to an earlier stage", "They count as visits of their own."),
    "rushed_moves": (
        "Stages left within a minute of being entered",
        "They count as recorded; how long they really took is not known.",
    ),
    "renamed_stages": (
        "Stages whose use stops when that of another begins",
        "They count as different stages.",
    ),
    "stopped_stages": (
        "Stages that nothing enters any more",
        "What they tell about the past stays in the numbers.",
    ),
    "new_stages": (
        "Stages that nothing entered in the first part of the time",
        "What is known of them comes from the later part only.",
    ),
    "time_zone_jump": (
        "Changes written at hours of the day that have shifted by whole hours against before",
        "Times count as written.",
    ),
    "summer_time": (
        "Changes written an hour earlier or later since summer time began or ended",
        "Hours of the day are those of UTC.",
    ),
    "bulk_edits": (
        "Moves made fifty or more in one minute",
        "They count as recorded: the time is when someone tidied up, not when it happened.",
    ),
    "dates_only": (
        "Times at midnight exactly: dates without a time of day",
        "They count as written; nothing shorter than a day can be told.",
    ),
    "stale_open": (
        "Open deals that stay in their stage longer than almost any deal that left it",
        "They are open in the log; a calibration counts them as lost where they are many.",
    ),
    "no_closings": ("Closed deals", "Nothing can be told about how deals end."),
    "no_outcomes": (
        "Stages that mean won or lost",
        "Nothing can be told about how deals end.",
    ),
    "after_today": (
        "Deals created later than today, by the clock of this computer",
        "They count as written.",
    ),
    "no_wins": ("Deals that are won", "How many deals will be won cannot be told."),
    "missing_losses": (
        "Deals that are lost, far fewer than deals end elsewhere",
        "The share of wins counts as recorded and is too high if losses are not entered.",
    ),
    "ageless_open": (
        "Open deals older than any closed deal was when it closed",
        "They are open in the log; a calibration counts them as lost where they are many.",
    ),
    "equal_times": ("Deals whose dates are all the same", "Durations cannot be told."),
    "few_deals": ("Deals in the file", "Numbers from so few deals are mere indications."),
    "mixed_pipelines": (
        "Deals of another pipeline than the largest",
        "Nothing is calculated until one is chosen.",
    ),
    "mixed_currencies": (
        "Values in another currency than the most frequent",
        "Nothing is calculated until there is one currency.",
    ),
    "no_value": ("Won deals without a value", "They count as wins without money."),
    "silences": (
        "Weeks without a single new deal, where many were to be expected",
        "They count as weeks without demand.",
    ),
    "no_history": (
        "Deals whose moves between stages are not in the file",
        "Delays and conversions by stage are not estimated.",
    ),
    "no_starts": (
        "Pieces of work of which the start or the end was recorded",
        "Handling times and seats are not estimated.",
    ),
    "changes": (
        "Stages in which conversion or delays changed on some day",
        "The estimates are averages of before and after.",
    ),
}

CLOSE = "Close deals in the CRM on the day when they end, also the lost ones."
DATES = "Let the CRM write the date itself; correct the deals named here."
COPIES = "Export once; merge duplicates in the CRM."
ALL = "Export all deals of the same period: open, won, lost; with the same filter as the history."
TIDY = "Move deals when it happens, not in one go before the meeting."
STAGES = "Do not rename or delete stages; if you must, note the day and export again by then."
ORDER = "Agree on what each stage means and let the CRM require the fields of each."
OUTCOMES = "Say in a mapping which stages are won and which lost: --suggest-mapping drafts it."
WORK = "Let telephony or tasks record when work is queued, started and ended."

KINDS: Final[Mapping[str, Kind]] = {
    "nameless_deals": Kind(0.01, 0.1, (C, F), ALL),
    "duplicate_deals": Kind(0.2, 0.9, (), COPIES),
    "conflicting_deals": Kind(0.02, 0.2, (C, F), COPIES),
    "deleted_deals": Kind(0.05, 0.3, (C,), "Close deals as lost instead of deleting them."),
    "ancient_times": Kind(0.05, 0.3, (D, F), DATES),
    "future_deals": Kind(0.01, 0.1, (C, D, F), DATES),
    "future_moves": Kind(0.01, 0.1, (D, F), DATES),
    "future_closings": Kind(0.01, 0.1, (D, F), DATES),
    "future_work": Kind(0.01, 0.1, (S,), DATES),
    "future_marks": Kind(0.05, 0.5, (), DATES),
    "planned_closings": Kind(1.1, 1.2, (), ""),
    "uncreated_deals": Kind(0.05, 0.3, (D, F), "Export the date of creation."),
    "undated_deals": Kind(0.02, 0.15, (C, D, F), "Export the date of creation."),
    "late_creations": Kind(0.1, 0.5, (D, F), DATES),
    "closed_same_day": Kind(0.3, 1.1, (D,), "Export closing dates with their time of day."),
    "closed_before_created": Kind(0.01, 0.1, (C, D, F), DATES),
    "stray_moves": Kind(0.02, 0.2, (C, D, F), ALL),
    "stray_work": Kind(0.02, 0.2, (S,), ALL),
    "stray_marks": Kind(0.05, 0.5, (), ALL),
    "undated_moves": Kind(0.01, 0.1, (D,), DATES),
    "nameless_moves": Kind(0.01, 0.1, (C, D), ALL),
    "duplicate_moves": Kind(0.2, 0.9, (), COPIES),
    "repeated_stage": Kind(1.1, 1.2, (), ""),
    "first_stages": Kind(1.1, 1.2, (), ""),
    "unmoved_deals": Kind(0.5, 0.9, (D,), "Check that the history covers the same period."),
    "history_gaps": Kind(0.02, 0.2, (C, D), ALL),
    "added_closings": Kind(1.1, 1.2, (), ""),
    "added_stages": Kind(0.02, 0.2, (D,), ALL),
    "unexplained_stages": Kind(0.02, 0.2, (C, D, F), ALL),
    "moves_after_closing": Kind(0.02, 0.2, (D,), CLOSE),
    "undated_closings": Kind(0.02, 0.2, (D, F), "Export the date of closing."),
    "lost_closings": Kind(0.02, 0.2, (C, D, F), "Export the date of closing."),
    "contradicting_status": Kind(0.01, 0.1, (C, F), CLOSE),
    "reopened": Kind(0.03, 0.2, (C, F), "Open a new deal instead of reopening an old one."),
    "unlisted_stages": Kind(0.2, 0.6, (C, D), STAGES),
    "stageless": Kind(0.05, 0.3, (C, D, F), "Export the stage of every deal."),
    "unknown_since": Kind(0.2, 1.1, (D, F), "Export since when deals are in their stage."),
    "left_truncation": Kind(0.05, 0.6, (C, D), "Export from an earlier day on, closed deals too."),
    "impossible_work": Kind(0.01, 0.1, (S,), WORK),
    "queued_after_start": Kind(0.02, 0.2, (S,), WORK),
    "teamless_work": Kind(0.2, 1.1, (S,), "Record which team did the work."),
    "given_up": Kind(1.1, 1.2, (), ""),
    "undated_marks": Kind(0.05, 0.5, (), DATES),
    "early_marks": Kind(0.05, 0.5, (), DATES),
    "possible_duplicates": Kind(0.02, 0.15, (C, F), "Merge them in the CRM."),
    "skipped_stages": Kind(0.1, 0.4, (C, D), ORDER),
    "backward_moves": Kind(0.05, 0.25, (C, D), ORDER),
    "rushed_moves": Kind(0.1, 0.4, (D,), TIDY),
    "renamed_stages": Kind(1e-9, 0.5, (C, D), STAGES),
    "stopped_stages": Kind(1e-9, 0.5, (C, D), STAGES),
    "new_stages": Kind(1e-9, 0.5, (C, D), STAGES),
    "time_zone_jump": Kind(1e-9, 1.1, (D, S), "Set one time zone in the CRM and export again."),
    "summer_time": Kind(1.1, 1.2, (), "Give the time zone in which people work: --time-zone."),
    "bulk_edits": Kind(0.02, 0.2, (D,), TIDY),
    "dates_only": Kind(0.5, 1.1, (D, S), "Export times, not only dates."),
    "stale_open": Kind(0.05, 0.3, (D, F), CLOSE),
    "no_closings": Kind(0.0, 0.0, (C, D, F), CLOSE),
    "no_outcomes": Kind(0.0, 0.0, (C, D, F), OUTCOMES),
    "after_today": Kind(0.0, 0.05, (), DATES),
    "no_wins": Kind(0.0, 0.0, (C, F), CLOSE),
    "missing_losses": Kind(0.0, 0.1, (C, F), CLOSE),
    "ageless_open": Kind(0.02, 0.1, (C,), CLOSE),
    "equal_times": Kind(0.5, 0.9, (D, F), DATES),
    "few_deals": Kind(0.0, 1.1, (), "Export a longer period."),
    "mixed_pipelines": Kind(0.0, 0.0, (C, D, S, F), "Take one: --pipeline NAME."),
    "mixed_currencies": Kind(0.0, 0.0, (F,), "Convert with the rates of the dates, or take one."),
    "no_value": Kind(0.05, 0.5, (F,), "Let the CRM require the value before a deal is won."),
    "silences": Kind(0.02, 0.15, (F,), "Check whether the export leaves out a period."),
    "no_history": Kind(0.0, 1.1, (), ""),
    "no_starts": Kind(0.0, 1.1, (), WORK),
    "changes": Kind(1e-9, 1.1, (C, D, F), "Calibrate on the time since the change."),
}
