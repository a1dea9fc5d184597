"""The publish gate: what is wrong is held back with its cause, what is right goes out.

All faults in several kinds of reports, and a hundred clean runs: benchmarks/evidence_gate.py.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from funnelsim.measures.example import BANK
from funnelsim.reporting import report, reports
from funnelsim.reporting.document import Interval, Number
from funnelsim.scheduling.causes import told
from funnelsim.scheduling.gate import judging, verdict
from funnelsim.scheduling.gate.numbers import agrees, bounded
from funnelsim.scheduling.jobs import Job
from tests.planted import FAULTS, Copy, job_of, without_kernel

UNSEEN = {
    "one of several tables missing",
    "a number in a paragraph wrong",
    "a bar of a picture too long",
}
"""What no check can see yet; docs/evidence.md says so too."""


@pytest.fixture(scope="module")
def log_folder(tmp_path_factory):
    return BANK.save(tmp_path_factory.mktemp("input") / "small-bank", format="csv")


@pytest.fixture(scope="module")
def drafts(log_folder, tmp_path_factory):
    """A report in Ukrainian, and the same in English, of another name."""
    place = tmp_path_factory.mktemp("drafts")
    with mock.patch.object(reports, "execute", without_kernel):
        for lang in ("uk", "en"):
            report(log_folder, lang=lang, out=place / lang, name=f"review-{lang}")
    return place


def copied(drafts, tmp_path):
    return Copy(shutil.copytree(drafts / "uk", tmp_path / "draft"), drafts / "en")


def judged(copy):
    return verdict(copy.folder, Job.model_validate(job_of(copy)), at=copy.at)


def test_a_sound_report_passes(drafts, tmp_path):
    assert judged(copied(drafts, tmp_path)).causes == ()


def planted(drafts, tmp_path, fault):
    copy = copied(drafts, tmp_path)
    if not fault.put(copy):
        pytest.skip("this report has no place for it")
    last = () if fault.sealed else judging.LAST
    with mock.patch.object(judging, "LAST", last):
        found = judged(copy)
    assert found.passed == (not found.causes)
    assert found.passed == (fault.name in UNSEEN), found
    assert all(cause.endswith(".") for cause in found.causes), found


@pytest.mark.parametrize("fault", FAULTS[::4], ids=lambda fault: fault.name)
def test_a_planted_fault_is_held_back(drafts, tmp_path, fault):
    planted(drafts, tmp_path, fault)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [f for i, f in enumerate(FAULTS) if i % 4], ids=lambda fault: fault.name
)
def test_every_planted_fault_is_held_back(drafts, tmp_path, fault):
    planted(drafts, tmp_path, fault)


def test_enough_faults_are_planted():
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 100
    assert len(UNSEEN) / len(names) < 0.05


def test_all_causes_are_told_at_once(drafts, tmp_path):
    copy = copied(drafts, tmp_path)
    copy.drop("risks")
    found = copy.first("evidence")
    found["flows"][0]["left"] -= 3
    found["counts"]["open"] += 1
    copy.only_if["fresh"] = "2 d"
    copy.at = datetime.fromisoformat(found["observed_until"]) + timedelta(days=30)
    copy.seal()
    assert copy.wanted[1] == "uk"
    assert "\n".join(judged(copy).causes) == (
        "Клітинка 3 (fs.review.front) не показала: risks.\n"
        "Етап interest: увійшло 5, відомо звідки прийшло 5, вийшло чи ще там 2; "
        "ліди зникають або беруться нізвідки.\n"
        "Частини не дають цілого: лідів 5, з них виграно 2, програно 1, "
        "завершено інакше 0, відкрито 3.\n"
        "Дані застаріли: завдання допускає їх вік до 2\xa0дн., "
        "а вони закінчуються 30\xa0дн. тому (8 лютого 2024)."
    )


@pytest.mark.parametrize(
    ("what", "lang", "cause"),
    [
        ("win_rate", "en", "“Leads that win”: 150% lies outside of its own bounds, 25% to 75%."),
        ("win_rate", "uk", "«Частка виграних»: значення 150% лежить поза власними межами"),
        ("won_value", "ru", "«Сумма выигранных»: значение 1,5 лежит вне собственных границ"),
        ("people, help_desk", "uk", "«Потрібно повних ставок, help desk»: значення 1,5"),
        ("churned", "uk", "«churned»: значення 1,5 лежить поза"),
    ],
)
def test_quantities_are_told_by_name_and_in_the_language_of_the_report(what, lang, cause):
    found = mock.Mock(intervals=[Interval(what=what, value=1.5, lo=0.25, hi=0.75)])
    (told_of, *_) = bounded(mock.Mock(evidence=found))
    assert told(told_of, lang).startswith(cause)


def test_two_reports_of_a_job_must_both_be_there(drafts, tmp_path):
    copy = copied(drafts, tmp_path)
    job = job_of(copy)
    job["report"]["kind"] = ["funnel-review", "calibration"]
    causes = verdict(copy.folder, Job.model_validate(job)).causes
    assert causes == ("Завдання просить один звіт calibration, а в чернетці його немає.",)


def test_data_that_is_fresh_enough_passes(drafts, tmp_path):
    copy = copied(drafts, tmp_path)
    copy.only_if["fresh"] = "2 d"
    copy.at = BANK.meta.observed_until + timedelta(days=1)
    assert judged(copy).passed
    late = BANK.meta.observed_until.astimezone(UTC) + timedelta(days=2, minutes=1)
    assert not verdict(copy.folder, Job.model_validate(job_of(copy)), at=late).passed


@pytest.mark.parametrize(
    ("text", "value", "form", "locale", "same"),
    [
        ("12%", 0.1234, "share", "en_GB", True),
        ("12.3%", 0.1234, "share", "en_GB", True),
        ("12.4%", 0.1234, "share", "en_GB", False),
        ("1,234", 1234.4, "number", "en_GB", True),
        ("1\xa0234,5", 1234.5, "number", "uk_UA", True),
        ("1\xa0234,5", 1235.5, "number", "uk_UA", False),
        ("−60\xa0min", -60.2, "min", "en_GB", True),
        ("60\xa0min", -60.2, "min", "en_GB", False),
        ("<0,1%", 0.0004, "share", "ru_RU", True),
        ("–", 3.0, "number", "en_GB", False),
        ("€12.3M", 12_345_678.0, "EUR", "en_GB", True),
        ("nan", 1.0, "number", "en_GB", False),
    ],
)
def test_a_text_agrees_with_the_number_it_was_printed_of(text, value, form, locale, same):
    assert agrees(text, Number(value=value, form=form), locale) is same
