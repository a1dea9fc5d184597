"""The page of patterns: every snippet stands in its scenario, and every rule has its effect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from funnelsim import shipped
from funnelsim.documents import load_document, parse_document
from funnelsim.engine import simulate
from funnelsim.events import EventLog
from funnelsim.scenarios.loading import from_data, load

PAGE = Path(__file__).resolve().parents[2] / "docs" / "manual" / "patterns.md"
TEXT = PAGE.read_text("utf-8")
SECTIONS = {
    section.partition("\n")[0]: section
    for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    if "```yaml" in section
}
RULES = {
    "re-contact": "Re-contact after a week without an answer",
    "interested": "Interested: opened the letter with the offer",
    "payment reminder": "Reminder once a week until paid",
    "after-care": "After-care: a call after one month",
    "abandoned basket": "Abandoned basket",
    "reactivation": "Reactivation of inactive customers",
}


def snippet(section: str) -> tuple[str, dict[str, Any]]:
    """The scenario that a section's YAML comes from, and what it says."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    (name,) = re.findall(r"^# scenarios/([a-z-]+)\.yaml$", text, re.MULTILINE)
    return name, parse_document(text).data


def laid_over(whole: Any, part: Any) -> Any:
    """Data with another's values in their places; lists are replaced."""
    if not isinstance(whole, Mapping) or not isinstance(part, Mapping):
        return part
    return {**whole, **{key: laid_over(whole.get(key), item) for key, item in part.items()}}


def test_every_rule_of_the_domain_has_its_section():
    assert list(SECTIONS) == list(RULES.values())
    listed = re.findall(r"^\| \[([a-z -]+)\]\(#([a-z0-9-]+)\)", TEXT, re.MULTILINE)
    anchors = [re.sub(r"[^a-z0-9 -]", "", name.lower()).replace(" ", "-") for name in SECTIONS]
    assert listed == list(zip(RULES, anchors, strict=True))


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_a_snippet_loads_and_says_what_its_scenario_says(section):
    name, part = snippet(section)
    path = shipped.scenarios() / f"{name}.yaml"
    whole = load_document(path).data
    assert from_data(laid_over(whole, part)) == load(path)
    for key in ("stages", "what_ifs"):
        assert part[key].keys() <= whole[key].keys()


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_a_section_measures_the_what_if_that_it_shows(section):
    name, part = snippet(section)
    (off,) = part["what_ifs"]
    assert f"`{name}.yaml` | `{off}`" in TEXT
    rows = re.findall(r"^\| [a-z].* \|$", section, re.MULTILINE | re.IGNORECASE)[1:]
    assert len(rows) >= 2
    for row in rows:
        on, without, gain, *_ = (cell.replace(",", "") for cell in row.strip("| ").split(" | ")[1:])
        assert float(on) - float(without) == pytest.approx(float(gain), abs=1.1), row


# --- the effects: shorter runs than those of the page, the same direction ----------------------


def short(name: str, horizon: str, warm_up: str) -> tuple[EventLog, EventLog]:
    """Logs with and without the rule, with the same luck."""
    (section,) = (text for text in SECTIONS.values() if f"  {name}:" in text)
    scenario, _ = snippet(section)
    run = {"run.horizon": horizon, "run.warm_up": warm_up}
    base = load(shipped.scenarios() / f"{scenario}.yaml").change("short", run)
    off = base.what_if(name)
    return simulate(base, seed=7), simulate(off, seed=7)


def marks(log: EventLog, kind: str) -> int:
    return int((log.marks.kind == kind).sum())


def test_without_re_contact_nobody_is_written_to():
    on, off = short("no_recontact", "8 w", "6 w")
    assert marks(on, "recontact") > 50 > marks(off, "recontact") == 0
    assert marks(on, "qualified") > marks(off, "qualified")


def hours(log: EventLog, first: str, last: str) -> pd.Series[float]:
    """Hours from one moment to another, of the seller's call after the letter."""
    calls = log.efforts.merge(log.visits, on=["lead_id", "visit"])
    calls = calls[calls.stage == "interested"]
    return (calls[last] - calls[first]).dt.total_seconds() / 3600


def test_without_the_status_calls_come_later():
    on, off = short("no_interested_status", "8 w", "6 w")
    assert hours(on, "entered_at", "started_at").median() < 24
    assert hours(off, "entered_at", "started_at").median() > 72


def days_to_payment(log: EventLog) -> pd.Series[float]:
    """Days from the first reminder's turn to the payment, by lead."""
    entered = log.visits.groupby(["stage", "lead_id"]).entered_at.min()
    took: pd.Series[pd.Timedelta] = (entered["obligations"] - entered["remind"]).dropna()
    return took / pd.Timedelta(days=1)


def test_without_reminders_the_same_clients_pay_later():
    on, off = map(days_to_payment, short("no_reminder", "16 w", "12 w"))
    both = on.index.intersection(off.index)
    assert len(both) > 10
    assert (on[both] < off[both]).mean() > 0.75


def test_without_after_care_fewer_order_again():
    on, off = short("no_after_care", "16 w", "12 w")
    assert marks(on, "ordered") > marks(off, "ordered")


def test_without_a_letter_fewer_baskets_become_orders():
    on, off = short("no_basket_letter", "2 d", "1 d")
    assert marks(on, "ordered") > marks(off, "ordered")


def test_without_reactivation_customers_order_less():
    on, off = short("no_reactivation", "12 w", "16 w")
    assert marks(on, "ordered") > marks(off, "ordered")
    assert marks(on, "churned") < marks(off, "churned")
