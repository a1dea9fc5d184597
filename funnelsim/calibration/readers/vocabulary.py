"""The names that columns of deals go by, in English, Russian and Ukrainian."""

from __future__ import annotations

import re
from collections.abc import Mapping

from funnelsim.calibration.readers.formats import Names

__all__ = ["DEAL_COLUMNS", "LEFT_OUT", "with_names"]

# column of RawHistory.deals → names, the likeliest first
DEAL_COLUMNS: Mapping[str, Names] = {
    "deal_id": (
        *(
            "Deal ID",
            "Opportunity ID",
            "Lead ID",
            "LEADID",
            "Record ID",
            "opportunity_id",
            "deal_id",
        ),
        *("lead_id", "ID сделки", "ID угоди", "Номер сделки", "Номер угоди", "№", "ID", "Case ID"),
        *("case:concept:name", "case_id", "Заявка", "Номер заказа", "Order ID", "order_id", "Key"),
    ),
    "customer_id": (
        *(
            "Customer ID",
            "Account ID",
            "Company ID",
            "Client ID",
            "customer_id",
            "account",
            "Account",
        ),
        *("Customer", "Client", "Company", "Organization", "Account Name", "Company name"),
        *("Компания", "Компанія", "Клиент", "Клієнт", "Контрагент", "Организация", "Організація"),
    ),
    "funnel": ("Pipeline", "Funnel", "Воронка", "Sales pipeline", "Направление", "Напрям"),
    "source": (
        *("Lead Source", "Source", "Channel", "Original Source", "Источник", "Джерело", "Канал"),
        *("lead_source", "utm_source", "Источник лида", "Джерело ліда", "Источник сделки"),
    ),
    "product": ("Product", "Product name", "Продукт", "Товар", "Услуга", "Послуга", "product"),
    "segment": ("Segment", "Сегмент", "Customer segment", "Тип клиента", "Тип клієнта", "segment"),
    "owner": (
        *("Owner", "Deal Owner", "Sales agent", "sales_agent", "Salesperson", "Assigned to"),
        *("Ответственный", "Відповідальний", "Менеджер", "Manager", "Sales rep", "owner"),
    ),
    "stage": (
        *("Stage", "Deal Stage", "deal_stage", "Stage name", "Sales stage", "Lead stage"),
        *("Этап", "Этап сделки", "Стадия", "Стадия сделки", "Етап", "Етап угоди", "Стадія"),
        *("Статус сделки", "Статус угоди", "Status name", "stage_id", "Шаг", "Крок"),
    ),
    "status": ("Status", "Deal status", "State", "Статус", "Состояние", "Стан", "status"),
    "created_at": (
        *("Created", "Created at", "Create date", "Created date", "Created On", "Created time"),
        *("Date created", "created_at", "engage_date", "Engage date", "Open date", "Start date"),
        *("Дата создания", "Дата створення", "Создано", "Створено", "Дата создания сделки"),
        *("Дата створення угоди", "Дата начала", "Дата заявки", "Дата", "Date"),
    ),
    "stage_since": ("Last stage change", "Stage changed", "Дата смены этапа", "Дата зміни етапу"),
    "closed_at": (
        *("Closed at", "Close date", "Closed date", "Closed on", "Closing date", "closed_at"),
        *("close_date", "Won time", "Дата закрытия", "Дата закриття", "Закрыта", "Закрито"),
    ),
    "expected_close_at": (
        *("Expected close date", "Est. close date", "Expected close", "Forecast close date"),
        *("Предполагаемая дата закрытия", "Очікувана дата закриття", "Плановая дата закрытия"),
    ),
    "reason": (
        *("Lost reason", "Loss reason", "Reason for loss", "Closed lost reason", "Reason"),
        *("Причина отказа", "Причина відмови", "Причина закрытия", "Причина провала"),
    ),
    "value": (
        *("Amount", "Value", "Deal value", "Deal amount", "close_value", "Revenue", "Budget"),
        *("Сумма", "Сума", "Бюджет", "Стоимость", "Вартість", "Сумма сделки", "Sum", "Price"),
    ),
    "currency": ("Currency", "Currency code", "Валюта", "currency"),
    "deleted": ("Is deleted", "IsDeleted", "Deleted", "Удалена", "Видалена"),
}

# columns that never describe a deal: people, addresses, keys, and what is known only in the end
LEFT_OUT = re.compile(
    r"phone|mobile|e-?mail|fax|address|url|link|http|contact|note|descri|comment|next step|title"
    r"|\bid\b|\bids\b|\.id$|_id$|uid$|clid|checksum|\bname$|created|create |modified|updated|edited"
    r"|probab|weighted|expected|age |\bage\b|duration|cycle|time in|date|days|forecast|activit"
    r"|tasks|involved|stage|status|closed|overall|tier|locked|currency|visible|counter|last "
    r"|messages|телефон|факс|почта|пошта|адрес|контакт|примечан|приміт|комментар|коментар|теги|назв"
    r"|созда|створ|редакт|измен|змін|дата|время|час |имя|ім.я|вероятн|ймовірн|этап|етап|стади|стаді"
    r"|статус|закрыт|закрит|валют|кем |ссылк|посилан",
    re.IGNORECASE,
)


def with_names(**names: Names) -> dict[str, Names]:
    """Return names of columns with a CRM's own in front of the usual ones.

    Parameters
    ----------
    **names : Names
        By column of `RawHistory.deals`; an empty tuple: it is not in this CRM's exports.

    Returns
    -------
    dict
        For every column that may be there.

    Examples
    --------
    >>> with_names(stage=("Pipeline Phase",))["stage"][:2]
    ('Pipeline Phase', 'Stage')
    """
    merged = {key: (*names.get(key, ()), *usual) for key, usual in DEAL_COLUMNS.items()}
    return {key: found for key, found in merged.items() if names.get(key, found) != ()}
