"""Bitrix24: the list of deals, an HTML table that calls itself .xls, or CSV."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.deal_tables import DealForm, history_of
from funnelsim.calibration.readers.formats import Form, Options, Reader
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.calibration.readers.vocabulary import with_names

__all__ = ["READER"]

OBTAIN = (
    "Bitrix24's list holds no history of stages: take it from crm.stagehistory.list of its REST "
    "interface, or export the list every week and give all files together."
)
STAGE = ("Стадия сделки", "Стадія угоди", "Deal stage", "STAGE_ID", "Стадия")
CREATED = ("Дата создания", "Дата створення", "Created on", "DATE_CREATE")
GROUP = ("Группа", "Група", "Stage group", "STAGE_SEMANTIC_ID")
EXPECTED = (
    *("Предполагаемая дата закрытия", "Дата завершения", "Очікувана дата закриття"),
    *("Expected close date", "CLOSEDATE"),
)
DEALS = DealForm(
    with_names(
        deal_id=("ID", "ID сделки"),
        customer_id=(
            *("Компания: Название компании", "Компания", "Компанія", "COMPANY_ID", "Контакт"),
            *("Company: Company Name", "Contact"),
        ),
        funnel=("Направление", "Воронка", "Напрям", "CATEGORY_ID", "Pipeline"),
        source=("Источник", "Джерело", "SOURCE_ID", "Source"),
        owner=("Ответственный", "Відповідальний", "Responsible person", "ASSIGNED_BY_ID"),
        stage=STAGE,
        status=GROUP,
        created_at=CREATED,
        closed_at=EXPECTED,
        expected_close_at=(),
        value=("Сумма", "Сума", "OPPORTUNITY", "Total", "Income"),
        currency=("Валюта", "CURRENCY_ID", "Currency"),
        segment=("Тип", "Type", "TYPE_ID"),
    ),
    # Bitrix24 writes the true date over the expected one when a deal closes
    closes_later=True,
)


def read(tables: Mapping[str, TextTable], options: Options) -> RawHistory:
    """Read a list of deals.

    Parameters
    ----------
    tables : mapping
        ``deals``.
    options : Options
        What the user says.

    Returns
    -------
    RawHistory
        Level ``snapshot``.
    """
    return history_of("bitrix24", tables["deals"], DEALS, options, obtain_history=OBTAIN)


READER = Reader(
    id="bitrix24",
    label="Bitrix24",
    forms=(
        Form(
            "deals",
            (("ID", "ID сделки"), STAGE, CREATED),
            (
                *(GROUP, EXPECTED, ("Сумма", "OPPORTUNITY"), ("Валюта", "CURRENCY_ID")),
                *(("Дата начала", "BEGINDATE"), ("Дата изменения", "DATE_MODIFY")),
                *(("Компания: Название компании",), ("ASSIGNED_BY_ID",), ("Направление",)),
            ),
        ),
    ),
    read=read,
    obtain_history=OBTAIN,
)
