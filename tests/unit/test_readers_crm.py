"""Exports of CRMs are recognised and read; each says honestly which history it holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from funnelsim import shipped
from funnelsim.calibration.raw import RAW_SCHEMA, RawHistory
from funnelsim.calibration.readers.crm import read_crm, recognised
from funnelsim.calibration.readers.registry import READERS
from funnelsim.calibration.readers.stages import outcome_of, stages_of, status_of
from funnelsim.calibration.readers.suggesting import suggest_mapping
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.errors import DataError

SHARED = Path(__file__).parents[3] / "shared"
HEADERS = SHARED / "crm_headers.json"
real = pytest.mark.realdata
absent = pytest.mark.skipif(not HEADERS.exists(), reason="../shared/data is not here")

AMO = (
    "ID,Название сделки,Бюджет ,Ответственный,Дата создания сделки,Дата закрытия,Теги,"
    "Этап сделки,Воронка,Компания,utm_source,utm_source,Регион\n"
    "11,Окно,1 200,Оля,01.02.2024 10:00:00,не закрыта,,Первичный контакт,Продажи,A,ya,,Юг\n"
    '12,Дверь,"2 500,50",Пётр,02.02.2024 10:00:00,05.02.2024 12:00:00,,'
    "Успешно реализовано,Продажи,B,ya,,Юг\n"
    "13,Окно,,Оля,03.02.2024,04.02.2024,,Закрыто и не реализовано,Продажи,A,go,,Север\n"
    "14,=cmd(),700,Оля,04.02.2024,не закрыта,,=cmd()|calc,Продажи,C,go,,Север\n"
)
BITRIX = (
    '<html><body><table border="1"><tr><th>ID</th><th>Группа</th><th>Стадия сделки</th>'
    "<th>Название сделки</th><th>Сумма</th><th>Валюта</th><th>Ответственный</th>"
    "<th>Дата создания</th><th>Предполагаемая дата закрытия</th></tr>"
    "<tr><td>1</td><td>В работе</td><td>Подготовка</td><td>x</td><td>1 000.00</td>"
    "<td>Российский рубль</td><td>Оля</td><td>01.02.2024 09:00:00</td><td>01.03.2024</td></tr>"
    "<tr><td>2</td><td>Сделка успешна</td><td>Сделка успешна</td><td>y</td><td>500</td>"
    "<td>Российский рубль</td><td>Оля</td><td>02.02.2024 09:00:00</td><td>09.02.2024</td></tr>"
    "</table></body></html>"
)
HUBSPOT = (
    '"Record ID","Deal Name","Pipeline","Deal Stage","Amount","Currency","Close Date",'
    '"Create Date","Deal owner","Closed Lost Reason","Date entered ""New (Sales)""",'
    '"Date entered ""Demo (full) (Sales)""","Date entered ""Closed won (Sales)""",'
    '"Date exited ""New (Sales)"""\n'
    '"1","a","Sales","Closed won","1000","USD","2024-03-05 10:00","2024-03-01 09:00","Ann","",'
    '"2024-03-01 09:00","2024-03-02 09:00","2024-03-05 10:00","2024-03-02 09:00"\n'
    '"2","b","Sales","Demo (full)","","","2024-06-30 10:00","2024-03-02 09:00","Ann","",'
    '"2024-03-02 09:00","2024-03-04 09:00","","2024-03-04 09:00"\n'
)
ZOHO = (
    "Record Id,Deal Owner.id,Deal Owner,Deal Name,Account Name,Amount,Stage,Closing Date,"
    "Created Time,Modified Time,Pipeline,Lead Source,Probability (%),Reason For Loss\n"
    'zcrm_1,zcrm_9,Ann,a,Acme,"$1,200.00",Negotiation,2024-05-01,2024-02-01 10:00:00,,B2B,Web,60,\n'
    "zcrm_2,zcrm_9,Ann,b,Acme,$5.00,Closed Lost,2024-02-05,2024-02-01 11:00:00,,B2B,Web,0,price\n"
    "zcrm_3,zcrm_9,Ann,c,Foo,$5.00,Qualification,2024-05-05,2024-02-02 11:00:00,,B2B,Ads,20,\n"
)


def file(folder: Path, text: str, name: str = "deals.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def check(raw: RawHistory) -> None:
    for name, schema in RAW_SCHEMA.items():
        frame = getattr(raw, name)
        found = {column: str(frame[column].dtype) for column in schema}
        assert found == dict(schema), name
    assert len({stage.id for stage in raw.meta.stages}) == len(raw.meta.stages)


def outcomes(raw: RawHistory) -> dict[str, str | None]:
    return {stage.id: stage.outcome for stage in raw.meta.stages}


def notes(raw: RawHistory) -> dict[str, int]:
    return {note.kind: note.count for note in raw.meta.notes}


def test_amocrm(tmp_path):
    raw = read_crm(file(tmp_path, AMO), time_zone="Europe/Kyiv", currency="UAH")
    check(raw)
    deals = raw.deals.set_index("deal_id")
    assert (raw.meta.format, raw.meta.history) == ("amocrm", "snapshot")
    assert "lead_status_changed" in raw.meta.obtain_history
    assert deals["status"].tolist() == ["open", "won", "lost", "open"]
    assert deals["closed_at"].isna().tolist() == [True, False, False, True]
    assert deals.loc["12", "closed_at"] == pd.Timestamp("2024-02-05T10:00Z")
    assert deals["value"].tolist() == [120_000, 250_050, pd.NA, 70_000]
    assert deals["currency"].dropna().unique().tolist() == ["UAH"]
    assert deals["stage"].tolist()[3] == "=cmd()|calc"
    assert outcomes(raw)["uspeshno-realizovano"] == "won"
    assert outcomes(raw)["zakryto-i-ne-realizovano"] == "lost"
    assert deals["region"].tolist() == ["Юг", "Юг", "Север", "Север"]
    assert deals["row"].tolist() == [2, 3, 4, 5]
    assert raw.moves.empty


def test_amocrm_in_another_encoding_with_semicolons_is_the_same(tmp_path):
    one = read_crm(file(tmp_path, AMO))
    path = tmp_path / "other.csv"
    path.write_bytes(AMO.replace('"2 500,50"', "2 500.50").replace(",", ";").encode("cp1251"))
    pd.testing.assert_frame_equal(read_crm(path).deals, one.deals)


def test_bitrix24_named_xls(tmp_path):
    raw = read_crm(file(tmp_path, BITRIX, "DEAL_20240229_ab12.xls"), time_zone="Europe/Minsk")
    check(raw)
    assert raw.meta.format == "bitrix24"
    assert raw.deals["status"].tolist() == ["open", "won"]
    assert raw.deals["closed_at"].isna().tolist() == [True, False]
    assert raw.deals["expected_close_at"].isna().tolist() == [False, True]
    assert raw.deals["currency"].tolist() == ["RUB", "RUB"]
    assert raw.meta.taken_at == datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)


def test_hubspot_gives_the_latest_entry_of_each_stage(tmp_path):
    raw = read_crm(file(tmp_path, HUBSPOT))
    check(raw)
    assert raw.meta.history == "latest_entry"
    assert raw.moves["stage"].tolist() == ["New", "Demo (full)", "Closed won", "New", "Demo (full)"]
    assert list(outcomes(raw)) == ["new", "demo-full", "closed-won"]
    assert raw.deals["closed_at"].isna().tolist() == [False, True]
    assert "propertiesWithHistory" in raw.meta.obtain_history


def test_hubspot_without_dates_of_stages_is_a_snapshot(tmp_path):
    frame = pd.read_csv(file(tmp_path, HUBSPOT), dtype="str").iloc[:, :10]
    frame.to_csv(tmp_path / "few.csv", index=False)
    assert read_crm(tmp_path / "few.csv").meta.history == "snapshot"


def test_zoho_puts_stages_in_order_of_likelihood(tmp_path):
    raw = read_crm(file(tmp_path, ZOHO))
    check(raw)
    assert list(outcomes(raw).items()) == [
        ("qualification", None),
        ("negotiation", None),
        ("closed-lost", "lost"),
    ]
    assert raw.deals["reason"].tolist()[1] == "price"
    assert raw.deals["value"].tolist() == [120_000, 500, 500]
    assert raw.meta.currency == "USD"


def test_dynamics_365_from_excel(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(
        [
            "(Do Not Modify) Opportunity",
            "(Do Not Modify) Row Checksum",
            "(Do Not Modify) Modified On",
            "Topic",
            "Account",
            "Pipeline Phase",
            "Status",
            "Est. close date",
            "Est. revenue",
            "Actual Close Date",
            "Actual Revenue",
            "Currency",
            "Created On",
        ]
    )
    when = datetime.fromisoformat
    book.active.append(
        [
            "k1",
            "c",
            when("2024-03-01"),
            "t",
            "Acme",
            "1-Qualify",
            "Open",
            45400,
            100.5,
            None,
            None,
            "US Dollar",
            when("2024-02-01T10:00"),
        ]
    )
    book.active.append(
        [
            "k2",
            "c",
            when("2024-03-01"),
            "t",
            "Acme",
            "4-Close",
            "Won",
            45400,
            100,
            45350.5,
            90,
            "US Dollar",
            when("2024-02-02T10:00"),
        ]
    )
    book.save(tmp_path / "view.xlsx")
    raw = read_crm(tmp_path / "view.xlsx")
    check(raw)
    assert raw.meta.format == "dynamics365"
    assert raw.deals["status"].tolist() == ["open", "won"]
    assert raw.deals["value"].tolist() == [10_050, 9_000]
    assert raw.deals["closed_at"][1] == pd.Timestamp("2024-02-28T12:00Z")
    assert [stage.name for stage in raw.meta.stages] == ["1-Qualify", "4-Close"]


def test_a_pipeline_of_several(tmp_path):
    text = AMO.replace("Окно,,Оля,03.02.2024", "Окно,5,Оля,03.02.2024")
    text += "15,Окно,1,Оля,05.02.2024,не закрыта,,Первичный контакт,Сервис,A,ya,,Юг\n"
    both = read_crm(file(tmp_path, text))
    assert both.deals["funnel"].unique().tolist() == ["Продажи", "Сервис"]
    named = [(s.funnel, s.id) for s in both.meta.stages if s.name == "Первичный контакт"]
    assert named == [
        ("Продажи", "prodazhi-pervichnyi-kontakt"),
        ("Сервис", "servis-pervichnyi-kontakt"),
    ]
    one = read_crm(file(tmp_path, text), pipeline="сервис")
    assert one.deals["deal_id"].tolist() == ["15"]
    assert [stage.id for stage in one.meta.stages] == ["pervichnyi-kontakt"]
    with pytest.raises(DataError, match='no deal is of the pipeline "Сервіс"'):
        read_crm(file(tmp_path, text), pipeline="Сервіс")


def test_one_deal_and_dates_in_the_future(tmp_path):
    lines = AMO.splitlines()
    text = f"{lines[0]}\n{lines[1].replace('01.02.2024', '01.02.2094')}\n"
    raw = read_crm(file(tmp_path, text))
    assert raw.deals["created_at"][0] == pd.Timestamp("2094-02-01T10:00Z")
    assert notes(raw)["zone"] == 1


def test_no_column_of_stages_says_what_is_missing(tmp_path):
    text = AMO.replace("Этап сделки", "Цвет")
    with pytest.raises(DataError) as caught:
        read_crm(file(tmp_path, text, "my deals.csv"))
    message = str(caught.value)
    assert 'It would be amoCRM (Kommo) if it had a column "Этап сделки"' in message
    assert 'my deals.csv" --suggest-mapping' in message
    for reader in READERS:
        assert reader.label in message


def test_ten_thousand_stages_look_like_a_wrong_column(tmp_path):
    rows = "".join(f"{n},d,1,x,01.02.2024,не закрыта,,stage {n},P,A,,,\n" for n in range(10_000))
    with pytest.raises(DataError, match=r"10,000 different stages, .* looks like a wrong column"):
        read_crm(file(tmp_path, AMO.splitlines()[0] + "\n" + rows))


def test_wrong_columns_are_told_together(tmp_path):
    text = AMO.replace("01.02.2024 10:00:00", "red").replace("02.02.2024 10:00:00", "blue")
    text = text.replace("03.02.2024", "x").replace("1 200", "many").replace('"2 500,50"', "few")
    text = text.replace(",700,", ",seven,")
    with pytest.raises(DataError) as caught:
        read_crm(file(tmp_path, text))
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"Дата создания сделки", "Бюджет"}


def test_all_files_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(DataError) as caught:
        read_crm([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert len(caught.value.problems) == 2
    with pytest.raises(DataError, match="no file is given"):
        read_crm([])


def test_options_are_checked(tmp_path):
    with pytest.raises(DataError) as caught:
        read_crm(file(tmp_path, AMO), time_zone="Europe/Kiew", currency="euro")
    assert len(caught.value.problems) == 2


def test_a_million_cells_of_one_deal_keep_every_row(tmp_path):
    lines = AMO.splitlines(keepends=True)
    raw = read_crm(file(tmp_path, lines[0] + lines[1] * 20_000))
    assert len(raw.deals) == 20_000


@real
@absent
@pytest.mark.parametrize(
    ("key", "reader"),
    [
        ("amocrm_deals_csv", "amocrm"),
        ("bitrix24_deals_export", "bitrix24"),
        ("hubspot_deals", "hubspot"),
        ("zoho_deals", "zoho"),
        ("zoho_analytics_potentials_sample", "zoho"),
        ("dynamics365_opportunities_excel", "dynamics365"),
    ],
)
def test_verified_headers_are_recognised(key, reader):
    header = json.loads(HEADERS.read_text(encoding="utf-8"))[key]["headers"]
    for names in (header, [f" {name.upper()}\u00a0" for name in header], header[::-1]):
        table = TextTable("x.csv", pd.DataFrame(columns=list(names)), np.arange(0), "")
        found = recognised(table)
        assert found is not None
        assert found[0].id == reader


@real
@absent
def test_the_zoho_sample():
    raw = read_crm(SHARED / "data/zoho_sample/Potentials.csv.gz")
    check(raw)
    assert len(raw.deals) == 3_632
    assert raw.deals["status"].value_counts().to_dict() == {"open": 1722, "won": 1425, "lost": 485}
    assert raw.deals["value"][0] == 2_270_000


@real
@absent
def test_maven_is_read_through_its_suggested_mapping(tmp_path):
    path = SHARED / "data/maven_crm/sales_pipeline.csv.gz"
    with pytest.raises(DataError, match="--suggest-mapping"):
        read_crm(path)
    mapping = file(tmp_path, suggest_mapping(path), "maven.yaml")
    assert notes(read_crm(path, mapping=mapping))["currency"] == 6_711
    raw = read_crm(path, mapping=mapping, currency="USD")
    check(raw)
    assert raw.deals["status"].value_counts().to_dict() == {"won": 4238, "lost": 2473, "open": 2089}
    assert list(outcomes(raw)) == ["prospecting", "engaging", "won", "lost"]
    assert raw.deals["value"].sum() == 10_005_534 * 100


LOG = (
    "deal_id,change_time,changed_field_key,new_value\n"
    "1,2024-02-01 09:00:00,add_time,2024-02-01T09:00:00\n"
    "1,2024-02-01 09:00:00,user_id,7\n"
    "1,2024-02-01 09:00:00,stage_id,1\n"
    "1,2024-02-03 09:00:00,stage_id,2\n"
    "1,2024-02-04 09:00:00,status,won\n"
    "2,2024-02-02 09:00:00,add_time,2024-02-02T09:00:00\n"
    "2,2024-02-02 09:00:00,stage_id,1\n"
    "2,2024-02-05 09:00:00,value,5.50\n"
)


def test_a_log_of_changes_through_its_suggested_mapping(tmp_path):
    log = file(tmp_path, LOG)
    draft = suggest_mapping(log)
    raw = read_crm(log, mapping=file(tmp_path, draft, "m.yaml"))
    check(raw)
    assert raw.meta.history == "full"
    assert raw.moves["stage"].tolist() == ["1", "1", "2"]
    assert raw.deals["status"].tolist() == ["won", "open"]
    assert raw.deals["closed_at"][0] == pd.Timestamp("2024-02-04T09:00Z")
    assert raw.deals["value"][1] == 550
    assert raw.deals["owner"][0] == "7"


@pytest.mark.parametrize(
    "text",
    [
        "Номер,Этап,Создан,Закрыт,Цена\n1,Новая,01.02.2024,,5\n2,Отказ,02.02.2024,03.02.2024,6\n",
        "no,what we call it,a,b\n1,Won,2024-01-01,2024-02-01\n2,Demo,2024-01-02,\n",
        (
            "Номер угоди;Етап;Дата створення;Сума\n1;Нова;01.02.2024;5 грн\n"
            "2;Виграно;02.02.2024;7,5 грн\n"
        ),
        'id,"sta: ge",created\n1,"a: {b}",2024-01-01\n2,"#x ""y""",2024-01-02\n3,Won,2024-01-03\n',
    ],
)
def test_a_draft_can_be_read_as_it_is(tmp_path, text):
    path = file(tmp_path, text)
    raw = read_crm(path, mapping=file(tmp_path, suggest_mapping(path), "m.yaml"))
    check(raw)
    assert len(raw.deals) == len(text.splitlines()) - 1
    assert raw.deals["stage"].notna().all()
    assert raw.deals["created_at"].notna().all()
    assert raw.deals["status"].isin(["open", "won", "lost"]).all()


def test_no_draft_without_anything_like_a_stage(tmp_path):
    with pytest.raises(DataError, match="no column looks like the stage of a deal"):
        suggest_mapping(file(tmp_path, "id,at\n1,2024-01-01\n2,2024-01-02\n"))


MAPPING = """\
funnelsim: 1
time_zone: Europe/Kyiv
currency: EUR
observed: {from: 2024-01-01, until: 2024-04-01}
deals: {deal_id: id, stage: step, created_at: made, closed_at: shut, value: sum}
attributes: {region: {column: area}}
stages:
  new: {named: [New, Fresh], label: {en: New, uk: Нова}}
  sold: {named: Sold, outcome: won}
"""
TABLE = """\
id,step,made,shut,sum,area
1,Fresh,2024-02-01,,5,N
2,Sold,2024-02-01,2024-02-05,6,S
3,Odd,2024-02-01,,,S
"""


def test_a_mapping_of_deals(tmp_path):
    raw = read_crm(file(tmp_path, TABLE), mapping=file(tmp_path, MAPPING, "m.yaml"))
    check(raw)
    assert raw.deals["stage"].tolist() == ["New", "Sold", "Odd"]
    assert raw.deals["status"].tolist() == ["open", "won", "open"]
    assert raw.deals["region"].tolist() == ["N", "S", "S"]
    assert raw.meta.stages[0].label == {"en": "New", "uk": "Нова"}
    assert raw.meta.taken_at == pd.Timestamp("2024-03-31T21:00Z")
    assert notes(raw)["unnamed_stages"] == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("stage: step", "stage: stepp", 'has no column "stepp". Did you mean "step"?'),
        (", stage: step", "", "names no column with the stage of a deal"),
        ("named: Sold", "named: New", '"New" is already named in stages.new'),
        ("2024-01-01", "someday", "is no time"),
        ("currency: EUR", "currenci: EUR", "currenci"),
    ],
)
def test_a_faulty_mapping_is_told_with_its_place(tmp_path, old, new, message):
    mapping = file(tmp_path, MAPPING.replace(old, new), "m.yaml")
    with pytest.raises(DataError) as caught:
        read_crm(file(tmp_path, TABLE), mapping=mapping)
    assert message in str(caught.value)
    assert "m.yaml:" in str(caught.value)


def test_words_of_outcomes():
    won = ["Closed Won", "Успешно реализовано", "Сделка успешна", "Виграно", "WON", "Продано"]
    lost = ["Closed Lost", "Закрыто и не реализовано", "Сделка провалена", "Програно", "Отказ"]
    neither = ["Customer Success", "Demo", "Wonderful", "Успешный контакт найден?", "Closing"]
    assert {outcome_of(name) for name in won} == {"won"}
    assert {outcome_of(name) for name in lost} == {"lost"}
    assert {outcome_of(name) for name in neither} == {None}
    assert [status_of(w) for w in ("P", "S", "F", "В работе")] == ["open", "won", "lost", "open"]


def test_ids_of_stages_are_unique_and_short(tmp_path):
    long = "Очень длинное название этапа продаж в котором есть всё что только можно придумать"
    deals = pd.DataFrame(
        {"deal_id": ["1", "2", "3", "4"], "stage": [long, f"{long}!", "???", "!!!"]}
    )
    deals = deals.assign(funnel=pd.Series(None, index=deals.index, dtype="str"))
    for name in ("created_at", "closed_at", "stage_since"):
        deals[name] = pd.Series(pd.NaT, index=deals.index, dtype="datetime64[us, UTC]")
    moves = pd.DataFrame({"deal_id": [], "stage": [], "at": []}, dtype="str")
    stages, _ = stages_of(deals, moves, where="x.csv")
    ids = [stage.id for stage in stages]
    assert len(set(ids)) == 4
    assert max(map(len, ids)) <= 60
    assert {"stage", "stage-2"} <= set(ids)


EVENTS = """\
funnelsim: 1
time_zone: UTC
events: {lead: deal, activity: what, time: at}
leads: {funnel: line}
stages:
  new: {entered_by: New, advance: won}
  won: {entered_by: Won, outcome: won}
"""


def test_a_mapping_of_events_takes_any_table_and_a_pipeline(tmp_path):
    frame = pd.DataFrame(
        {
            "deal": ["1", "1", "2"],
            "what": ["New", "Won", "New"],
            "at": ["2024-01-01", "2024-01-02", "2024-01-03"],
            "line": ["A", "A", "B"],
        }
    )
    mapping = file(tmp_path, EVENTS, "m.yaml")
    frame.to_parquet(tmp_path / "log.parquet")
    frame.to_excel(tmp_path / "log.xlsx", index=False)
    url = f"sqlite:///{tmp_path}/log.db"
    frame.to_sql("log", url, index=False)
    for source, query in [
        (tmp_path / "log.parquet", None),
        (tmp_path / "log.xlsx", None),
        (url, "SELECT * FROM log"),
    ]:
        raw = read_crm(source, mapping=mapping, query=query, pipeline="a")
        check(raw)
        assert raw.deals["deal_id"].tolist() == ["1"]
        assert raw.moves["stage"].tolist() == ["new", "won"]
    with pytest.raises(DataError) as caught:
        read_crm("postgresql://anna:s3cr3t@127.0.0.1:1/x", mapping=mapping, query="SELECT 1")
    assert "s3cr3t" not in str(caught.value)


def test_the_shipped_pattern_of_a_mapping_reads_such_a_table(tmp_path):
    table = file(
        tmp_path,
        "Номер;Клієнт;Менеджер;Джерело;Етап;Дата створення;Дата закриття;Сума;"
        "Причина відмови;Регіон\n"
        "7;ТОВ А;Оля;Сайт;Новий;01.02.2024 10:00;;1 200,50;;Захід\n"
        "8;ТОВ Б;Оля;Сайт;Відмова;02.02.2024;05.02.2024;900;ціна;Схід\n",
    )
    raw = read_crm(table, mapping=shipped.scenarios() / "mappings" / "deals.yaml")
    check(raw)
    assert raw.deals["stage"].tolist() == ["Нова", "Відмова"]
    assert raw.deals["value"].tolist() == [120_050, 90_000]
    assert raw.deals["region"].tolist() == ["Захід", "Схід"]
    assert len(raw.events().leads) == 2


def test_exports_of_several_days_are_one_history(tmp_path):
    later = AMO.replace("Первичный контакт", "Замер")
    first = file(tmp_path, AMO, "deals_2024-02-06.csv")
    second = file(tmp_path, later, "deals_2024-02-13.csv")
    raw = read_crm([second, first], time_zone="Europe/Kyiv")
    check(raw)
    assert raw.meta.format == "amocrm"
    assert len(raw.meta.files) == 2
    moved = raw.moves[raw.moves["deal_id"] == "11"]["stage"].tolist()
    assert moved[-1] == "Замер"
