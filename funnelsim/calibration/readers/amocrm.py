"""amoCRM (Kommo): the list of deals as CSV or XLSX. The file holds no history of stages."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.deal_tables import DealForm, history_of
from funnelsim.calibration.readers.formats import Form, Options, Reader
from funnelsim.calibration.readers.text_tables import TextTable
from funnelsim.calibration.readers.vocabulary import with_names

__all__ = ["READER"]

OBTAIN = (
    "amoCRM exports no history of stages: take it from GET /api/v4/events?filter[type]="
    "lead_status_changed, or export the deals every week and give all files together."
)
STAGE = ("Этап сделки", "Этап", "Статус сделки", "Етап угоди", "Lead status", "Deal stage", "Stage")
CREATED = ("Дата создания сделки", "Дата создания", "Дата створення угоди", "Created at")
CLOSED = ("Дата закрытия", "Дата закриття", "Closed at", "Close date")
NAME = ("Название сделки", "Назва угоди", "Lead title", "Lead name", "Deal name")
DEALS = DealForm(
    with_names(
        deal_id=("ID", "ID сделки", "ID угоди"),
        customer_id=("Компания", "Компания контакта", "Полное имя контакта", "Company"),
        funnel=("Воронка", "Pipeline"),
        source=("Источник", "Источник сделки", "utm_source"),
        owner=("Ответственный", "Відповідальний", "Responsible user", "Responsible"),
        stage=STAGE,
        status=(),
        created_at=CREATED,
        closed_at=CLOSED,
        expected_close_at=(),
        reason=("Причина отказа", "Причина закрытия", "Причина відмови", "Loss reason"),
        value=("Бюджет", "Бюджет сделки", "Sale", "Budget", "Price"),
    )
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
    return history_of("amocrm", tables["deals"], DEALS, options, obtain_history=OBTAIN)


READER = Reader(
    id="amocrm",
    label="amoCRM (Kommo)",
    forms=(
        Form(
            "deals",
            (("ID", "ID сделки", "ID угоди"), STAGE, CREATED, NAME),
            (
                *(("Воронка", "Pipeline"), CLOSED, ("Бюджет", "Sale")),
                *(("Дата редактирования",), ("Кем создана сделка",), ("Теги", "Tags")),
                *(
                    ("Полное имя контакта",),
                    ("Компания контакта",),
                    ("Примечание 2",),
                    ("_ym_uid",),
                ),
            ),
        ),
    ),
    read=read,
    obtain_history=OBTAIN,
)
