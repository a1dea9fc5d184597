"""Several exports of one CRM, taken on different days, become one history."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from funnelsim.calibration.raw import RawFile, RawHistory, RawMetadata, RawStage
from funnelsim.calibration.readers.combining import combined
from funnelsim.calibration.readers.crm import read_crm
from funnelsim.calibration.readers.raw_tables import raw_table
from funnelsim.errors import DataError

STAGES = (
    RawStage("New", "new"),
    RawStage("Demo", "demo"),
    RawStage("Won", "won", outcome="won"),
    RawStage("Lost", "lost", outcome="lost"),
)


def at(text: str | None) -> pd.Timestamp | None:
    return pd.Timestamp(text, tz="UTC") if text else None


def export(day: str, *deals: tuple[str | None, ...], **said: str) -> RawHistory:
    """Return an export of deals: id, stage, created, stage since, closed."""
    names = ("deal_id", "stage", "created_at", "stage_since", "closed_at")
    frame = pd.DataFrame([dict(zip(names, deal, strict=False)) for deal in deals])
    frame = frame.reindex(columns=names)
    for name in names[2:]:
        frame[name] = pd.Series([at(text) for text in frame[name]], dtype="datetime64[us, UTC]")
    status = frame["stage"].map({"Won": "won", "Lost": "lost"}).fillna("open")
    frame = frame.assign(status=status, row=range(2, len(frame) + 2), **said)
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
    file = RawFile(f"deals-{day}.csv", f"sha-{day}-{said}", len(frame), moment)
    meta = RawMetadata(
        "amocrm", (file,), "snapshot", taken_at=moment, stages=STAGES, obtain_history="Ask."
    )
    moves, efforts, marks = (raw_table(name) for name in ("moves", "efforts", "marks"))
    return RawHistory(raw_table("deals", frame), moves, efforts, marks, meta)


def moves(raw: RawHistory) -> list[tuple[str, str, str, str]]:
    frame = raw.moves
    times = frame["at"].dt.strftime("%m-%d %H")
    columns = (frame["deal_id"], frame["from_stage"].fillna(""), frame["stage"], times)
    return list(zip(*columns, strict=True))


def counts(raw: RawHistory) -> dict[str, int]:
    return {note.kind: note.count for note in raw.meta.notes}


FIRST = export("2024-03-01", ("1", "New", "2024-02-01"), ("2", "New", "2024-02-02"))


def test_a_move_that_nothing_dates_counts_in_the_middle():
    later = export("2024-03-11", ("1", "Demo", "2024-02-01"), ("2", "New", "2024-02-02"))
    raw = combined([later, FIRST])
    assert moves(raw) == [("1", "New", "Demo", "03-06 00")]
    assert counts(raw) == {"moves_between": 1}
    assert str(raw.meta.notes[0]) == (
        "Moves between two exports that nothing dates: 1. "
        "They count in the middle; the exports are 10 days apart (at most 10)."
    )
    assert [file.name for file in raw.meta.files] == [
        *("deals-2024-03-01.csv", "deals-2024-03-11.csv")
    ]
    assert raw.moves["file"].tolist() == [1]
    assert raw.meta.observed_from == FIRST.meta.taken_at
    assert raw.meta.taken_at == later.meta.taken_at


def test_what_the_later_export_says_of_the_present_stage_counts_if_it_can_be_true():
    told = ("1", "Demo", "2024-02-01", "2024-03-04 15:00")
    stale = ("2", "Demo", "2024-02-02", "2024-02-10")  # it was in New three weeks later
    raw = combined([FIRST, export("2024-03-11", told, stale)])
    assert moves(raw) == [("1", "New", "Demo", "03-04 15"), ("2", "New", "Demo", "03-06 00")]
    assert counts(raw) == {"dated_between": 1, "moves_between": 1}


def test_closings_count_when_the_crm_says_so():
    won = ("1", "Won", "2024-02-01", None, "2024-03-03 12:00")
    lost = ("2", "Lost", "2024-02-02")
    raw = combined([FIRST, export("2024-03-11", won, lost)])
    assert moves(raw) == [("1", "New", "Won", "03-03 12"), ("2", "New", "Lost", "03-06 00")]
    assert counts(raw)["undated_between"] == 1
    outcomes = raw.events().outcomes().set_index("lead_id")
    assert outcomes["outcome"].to_dict() == {"1": "won", "2": "lost"}


def test_a_stage_known_since_when_is_an_entry():
    first = export("2024-03-01", ("1", "New", "2024-02-01", "2024-02-03"))
    raw = combined([first, export("2024-03-11", ("1", "Demo", "2024-02-01", "2024-03-09"))])
    assert moves(raw) == [("1", "", "New", "02-03 00"), ("1", "New", "Demo", "03-09 00")]


def test_deals_no_longer_listed_were_deleted():
    young = export("2024-03-11", ("1", "New", "2024-02-01"), ("3", "New", "2024-03-02"))
    raw = combined([FIRST, young])
    deleted = raw.deals.set_index("deal_id")["deleted"].fillna(value=False)
    assert deleted.to_dict() == {"1": False, "2": True, "3": False}
    assert counts(raw)["vanished"] == 1


def test_exports_of_later_months_only_delete_nothing():
    raw = combined([FIRST, export("2024-04-01", ("3", "New", "2024-03-02"))])
    assert len(raw.deals) == 3
    assert not raw.deals["deleted"].fillna(value=False).any()


def test_pipelines_exported_apart_on_one_day_are_laid_together():
    one = export("2024-03-01", ("1", "New", "2024-02-02"), funnel="Sales")
    two = export("2024-03-01", ("2", "New", "2024-02-01"), funnel="Renewals")
    raw = combined([one, two])
    assert sorted(raw.deals["funnel"]) == ["Renewals", "Sales"]
    assert raw.meta.history == "snapshot"
    assert counts(raw) == {}


@pytest.mark.parametrize(
    ("days", "level"),
    [
        (("2024-03-01", "2024-03-02", "2024-03-03"), "full"),
        (("2024-03-01", "2024-03-02", "2024-03-09"), "latest_entry"),
    ],
)
def test_daily_exports_are_a_full_history(days, level):
    raw = combined([export(day, ("1", "New", "2024-02-01")) for day in days])
    assert raw.meta.history == level
    assert (raw.meta.obtain_history == "") == (level == "full")


def test_recorded_moves_leave_nothing_to_infer():
    recorded = pd.DataFrame({"deal_id": ["1"], "at": [at("2024-03-08")], "stage": ["Demo"]})
    first = RawHistory(FIRST.deals, FIRST.moves, FIRST.efforts, FIRST.marks, FIRST.meta)
    later = export("2024-03-11", ("1", "Demo", "2024-02-01"), ("2", "Demo", "2024-02-02"))
    later = RawHistory(
        later.deals, raw_table("moves", recorded), later.efforts, later.marks, later.meta
    )
    raw = combined([first, later])
    assert moves(raw) == [("1", "", "Demo", "03-08 00"), ("2", "New", "Demo", "03-06 00")]


def test_the_same_export_twice_counts_once():
    assert combined([FIRST, FIRST]) is FIRST


def test_stages_of_earlier_exports_are_kept():
    old = (RawStage("Gone", "new"), *STAGES[1:])
    meta = FIRST.meta
    first = RawHistory(
        FIRST.deals,
        FIRST.moves,
        FIRST.efforts,
        FIRST.marks,
        RawMetadata(meta.format, meta.files, "snapshot", taken_at=meta.taken_at, stages=old),
    )
    raw = combined([first, export("2024-03-11", ("1", "New", "2024-02-01"))])
    found = [(stage.name, stage.id) for stage in raw.meta.stages]
    assert found == [
        *(("New", "new"), ("Demo", "demo"), ("Gone", "new-2"), ("Won", "won"), ("Lost", "lost"))
    ]


def test_an_export_without_a_date_is_placed_by_its_last_event():
    meta = FIRST.meta
    undated = RawHistory(
        FIRST.deals.assign(stage_since=at("2024-02-20")),
        FIRST.moves,
        FIRST.efforts,
        FIRST.marks,
        RawMetadata(meta.format, (RawFile("a.csv", "x", 2),), "snapshot", stages=STAGES),
    )
    later = export("2024-03-01", ("1", "Demo", "2024-02-01"), ("2", "New", "2024-02-02"))
    raw = combined([later, undated])
    assert counts(raw)["undated_exports"] == 1
    assert moves(raw)[-1] == ("1", "New", "Demo", "02-25 00")


def test_exports_of_different_crms_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("deal_id,change_time,changed_field_key,new_value\n1,,,\n")
    other = RawHistory(
        FIRST.deals,
        FIRST.moves,
        FIRST.efforts,
        FIRST.marks,
        RawMetadata("hubspot", (RawFile("hub.csv", "h", 1),), "snapshot"),
    )
    with pytest.raises(DataError, match=r"different CRMs: amocrm: deals-.*; hubspot: hub\.csv"):
        combined([FIRST, other])


def test_files_given_together_are_combined(tmp_path):
    head = "ID,Название сделки,Этап сделки,Дата создания сделки,Дата закрытия,Воронка,Бюджет\n"
    paths = [tmp_path / f"amocrm_export_2024-03-{day}.csv" for day in ("01", "08")]
    tail = "01.02.2024 10:00:00,не закрыта,Продажи,100\n"
    for path, stage in zip(paths, ("Первичный контакт", "Переговоры"), strict=True):
        path.write_text(f"{head}7,Сделка,{stage},{tail}", encoding="utf-8")
    raw = read_crm(paths, time_zone="UTC", currency="RUB")
    assert raw.moves["stage"].tolist() == ["Переговоры"]
    assert raw.meta.history == "latest_entry"
    assert raw.events().visits["stage"].nunique() == 2


def test_a_renamed_stage_is_no_move():
    """Ten deals leave Demo for a stage that nobody knew before; one more really moves."""
    names = [str(number) for number in range(10)]
    first = export("2024-03-01", *((name, "Demo", "2024-02-01") for name in names))
    later = [(name, "Presentation", "2024-02-01") for name in names[:9]]
    raw = combined([first, export("2024-03-11", *later, ("9", "Lost", "2024-02-01"))])
    assert moves(raw) == [("9", "Presentation", "Lost", "03-06 00")]
    assert set(raw.deals["stage"]) == {"Presentation", "Lost"}
    assert "Demo" not in [stage.name for stage in raw.meta.stages]
    note = next(note for note in raw.meta.notes if note.kind == "renamed_stages")
    assert '"Demo" is now "Presentation"' in str(note)


def test_deals_that_are_all_closed_are_no_renaming():
    names = [str(number) for number in range(10)]
    first = export("2024-03-01", *((name, "Demo", "2024-02-01") for name in names))
    later = export("2024-03-11", *((name, "Lost", "2024-02-01") for name in names))
    assert len(combined([first, later]).moves) == 10
