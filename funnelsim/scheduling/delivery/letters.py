"""What a mail says: a report with its answer, or why there is none."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from funnelsim.reporting.texts import Texts

__all__ = ["Letter", "failed", "finished", "message", "message_id"]

LONGEST_SUBJECT: Final = 150
TYPES: Final[Mapping[str, tuple[str, str]]] = {
    ".pdf": ("application", "pdf"),
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".csv": ("text", "csv"),
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject, paragraphs and files, for whomever.

    Parameters
    ----------
    subject : str
    paragraphs : tuple of str
    files : tuple of Path
        To attach.
    lang : str
        The language it is written in.
    """

    subject: str
    paragraphs: tuple[str, ...]
    files: tuple[Path, ...] = ()
    lang: str = "en"

    @property
    def text(self) -> str:
        """The paragraphs, one after another."""
        return "\n\n".join(self.paragraphs) + "\n"


def finished(told: Mapping[str, object], files: Sequence[Path], t: Texts) -> Letter:
    """The letter that brings a report.

    Parameters
    ----------
    told : mapping
        The report's manifest: ``title``, ``kicker``, ``as_of``, ``sentences``, ``input``.
    files : sequence of Path
        To attach.
    t : Texts
        In the report's language.

    Returns
    -------
    Letter
        The report's first sentence first.
    """
    sentences = [str(each) for each in _list(told.get("sentences"))]
    heading = f"{told.get('kicker') or told.get('kind')}: {told.get('title') or ''}".rstrip(": ")
    day = (
        t.day(datetime.fromisoformat(f"{told['as_of']}T12:00:00+00:00"))
        if told.get("as_of")
        else ""
    )
    answer, rest = sentences[:1], sentences[1:]
    listed = "\n".join(f"– {each}" for each in rest)
    attached = ", ".join(file.name for file in files)
    return Letter(
        subject=", ".join(part for part in (heading, day) if part),
        paragraphs=tuple(
            part
            for part in (
                *answer,
                listed,
                t._("Attached: {files}.").format(files=attached) if attached else "",
                t._("How each number was made stands in the report's appendix."),
            )
            if part
        ),
        files=tuple(files),
        lang=t.lang,
    )


def failed(
    name: str, causes: Sequence[str], t: Texts, *, slot: str = "", draft: str = ""
) -> Letter:
    """The letter that says why there is no report.

    Parameters
    ----------
    name : str
        The job's.
    causes : sequence of str
        What went wrong, one sentence each.
    t : Texts
    slot : str
        When the report was due.
    draft : str
        Where the unpublished draft lies, if it was kept.

    Returns
    -------
    Letter
    """
    due = t._("due {slot}").format(slot=slot) if slot else ""
    listed = "\n".join(f"– {cause}" for cause in causes) or t._("The cause is unknown.")
    why = t._("Why:")
    return Letter(
        subject=" ".join(part for part in (t._("FAILED:"), name, due) if part),
        paragraphs=tuple(
            part
            for part in (
                t._("The report “{name}” was not published.").format(name=name),
                f"{why}\n{listed}",
                t._("The draft is kept in {folder}.").format(folder=draft) if draft else "",
                t._("The last good report stays as it was."),
            )
            if part
        ),
        lang=t.lang,
    )


def message_id(base: str, recipient: str, domain: str) -> str:
    """The same job, slot and recipient give the same Message-ID, whenever it is sent.

    Examples
    --------
    >>> first = message_id("weekly/2026-11-23T07:00", "anna@bank.example", "bank.example")
    >>> first == message_id("weekly/2026-11-23T07:00", "anna@bank.example", "bank.example")
    True
    >>> first.endswith("@bank.example>")
    True
    """
    whole = f"{base}\n{recipient.casefold()}".encode()
    return f"<funnelsim.{hashlib.sha256(whole).hexdigest()[:40]}@{domain}>"


def message(
    letter: Letter, *, sender: str, recipient: str, identity: str, moment: datetime
) -> EmailMessage:
    """Put a letter into an envelope.

    Parameters
    ----------
    letter : Letter
    sender, recipient : str
        Addresses, already checked.
    identity : str
        The Message-ID.
    moment : datetime
        The date it carries.

    Returns
    -------
    EmailMessage
        What a title or a name contains cannot become a header.
    """
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["From"], mail["To"] = sender, recipient
    mail["Subject"] = _one_line(letter.subject)
    mail["Message-ID"], mail["Date"] = identity, format_datetime(moment)
    mail["Content-Language"] = letter.lang
    mail["Auto-Submitted"] = "auto-generated"  # no out-of-office answers, RFC 3834
    mail.set_content(letter.text, charset="utf-8")
    for file in letter.files:
        main, sub = TYPES.get(file.suffix.lower(), ("application", "octet-stream"))
        name = _one_line(file.name)
        mail.add_attachment(file.read_bytes(), maintype=main, subtype=sub, filename=name)
    return mail


def _one_line(text: str) -> str:
    """A text without line breaks and control characters, not too long."""
    kept = (" " if unicodedata.category(sign) in {"Cc", "Zl", "Zp"} else sign for sign in text)
    line = " ".join("".join(kept).split())
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _list(value: object) -> list[object]:
    """A list, empty where it is none."""
    return list(value) if isinstance(value, list | tuple) else []
