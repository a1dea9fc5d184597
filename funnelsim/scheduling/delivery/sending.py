"""A finished report to everybody who is to get it; a failed one's cause to who must know."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from funnelsim.errors import InputError, RunError
from funnelsim.reporting.texts import Texts, texts
from funnelsim.scheduling.delivery.folders import copy
from funnelsim.scheduling.delivery.letters import Letter, failed, finished
from funnelsim.scheduling.delivery.mail import Server, send
from funnelsim.scheduling.delivery.secrets import Secrets
from funnelsim.scheduling.delivery.webhooks import post
from funnelsim.scheduling.publishing import RECORD
from funnelsim.scheduling.receipts import Receipt

if TYPE_CHECKING:
    from funnelsim.scheduling.jobs import Job
    from funnelsim.scheduling.targets import Delivery

__all__ = ["Settings", "announce_failure", "deliver"]

MANIFEST: Final = ".manifest.json"
ATTACHED: Final = (".pdf", ".xlsx")


@dataclass(frozen=True)
class Settings:
    """How this machine sends: set once, for all jobs.

    Parameters
    ----------
    server : Server, optional
        Where mail is handed in.
    secrets : Secrets
        Where the addresses of webhooks are found.
    timeout : float
        Seconds a webhook may be silent.
    tries, pause : int, float
        How often to post where a server says the fault is its own, and the first wait, s.
    moment : datetime, optional
        The date that mail carries; by default now.
    """

    server: Server | None = None
    secrets: Secrets = field(default_factory=Secrets)
    timeout: float = 20.0
    tries: int = 3
    pause: float = 2.0
    moment: datetime | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """From the environment and the file of secrets it names.

        Raises
        ------
        ParameterError
            All that is wrong with them.

        Examples
        --------
        >>> Settings.read({}).server is None
        True
        """
        secrets = Secrets.read(environment)
        return cls(Server.read(secrets), secrets)


def deliver(
    job: Job,
    report_folder: str | Path,
    *,
    message_id: str,
    settings: Settings,
    only: Collection[str] | None = None,
) -> list[Receipt]:
    """Send a published report to the job's targets.

    Parameters
    ----------
    job : Job
        Its `deliver` says to whom.
    report_folder : str or Path
        With the report's files and manifests.
    message_id : str
        Job and slot, the same at every try; with the recipient it makes the Message-ID.
    settings : Settings
    only : collection of str, optional
        Targets as receipts name them: those that failed before.

    Returns
    -------
    list of Receipt
        One per target; nothing that goes wrong with one keeps the others from being served.

    Raises
    ------
    RunError
        The folder holds no report.
    """
    folder = Path(report_folder)
    wanted = job.deliver if only is None else job.deliver.only(only)
    told = _told(folder)
    files = [
        file
        for file in sorted(folder.iterdir())
        if file.is_file() and file.name[0] != "." and file.name != RECORD
    ]
    t = texts(job.content.lang)
    attached = _attached(files)
    letter = _titled(_letter(told, attached, t), job, t)
    return [
        *_mailed(letter, wanted.mail, settings, message_id),
        *_copied(files, wanted, job),
        *_posted(letter, wanted.webhooks, settings),
    ]


def announce_failure(
    job: Job,
    causes: Sequence[str],
    *,
    message_id: str,
    settings: Settings,
    slot: str = "",
    draft: str | Path = "",
    only: Collection[str] | None = None,
) -> list[Receipt]:
    """Tell who must know that a report was not published, and why.

    Parameters
    ----------
    job : Job
        Told are its `on_failure`, or who gets the report; and its webhooks.
    causes : sequence of str
        One sentence each.
    message_id : str
        As for `deliver`; the announcement gets another Message-ID.
    settings : Settings
    slot : str
        When the report was due.
    draft : str or Path
        Where the unpublished draft lies.
    only : collection of str, optional
        As for `deliver`.

    Returns
    -------
    list of Receipt
    """
    t = texts(job.content.lang)
    name = t.label(job.title, job.name)
    letter = failed(name, causes, t, slot=slot, draft=str(draft))
    mail: Sequence[str] = job.deliver.on_failure or job.deliver.mail
    webhooks: Sequence[str] = job.deliver.webhooks
    if only is not None:
        mail = [each for each in mail if f"mail:{each}" in only]
        webhooks = [each for each in webhooks if f"webhook:{each}" in only]
    return [
        *_mailed(letter, mail, settings, f"{message_id}\nfailed"),
        *_posted(letter, webhooks, settings),
    ]


def _told(folder: Path) -> list[Mapping[str, Any]]:
    """The manifests of a folder's reports."""
    try:
        files = sorted(folder.glob(f"*{MANIFEST}"))
        found = [json.loads(file.read_text("utf-8")) for file in files]
    except (OSError, ValueError) as error:
        raise RunError(f"{folder}: its manifest cannot be read ({error})") from error
    if not found:
        raise RunError(f"{folder} holds no report: there is no manifest")
    return found


def _letter(told: Sequence[Mapping[str, Any]], files: Sequence[Path], t: Texts) -> Letter:
    """One letter for all reports: the first answer of each."""
    first, *others = (finished(each, files, t) for each in told)
    answers = [letter.paragraphs[0] for letter in others]
    paragraphs = (first.paragraphs[0], *answers, *first.paragraphs[1:])
    return Letter(first.subject, paragraphs, first.files, first.lang)


def _attached(files: Sequence[Path]) -> list[Path]:
    """What goes by mail: workbooks and PDFs; of reports bound as one PDF only that.

    Examples
    --------
    >>> files = [Path("p.levers.pdf"), Path("p.levers.xlsx"), Path("p.pdf"), Path("p.what-if.pdf")]
    >>> [file.name for file in _attached(files)]
    ['p.levers.xlsx', 'p.pdf']
    """
    taken = [file for file in files if file.suffix in ATTACHED]
    bound = [file for file in taken if _parts(file, taken)]
    return [file for file in taken if not any(file in _parts(whole, taken) for whole in bound)]


def _parts(whole: Path, files: Sequence[Path]) -> list[Path]:
    """The PDFs that are chapters of another one: ``NAME.KIND.pdf`` of ``NAME.pdf``."""
    if whole.suffix != ".pdf":
        return []
    return [f for f in files if f.suffix == ".pdf" and f.stem.startswith(f"{whole.stem}.")]


def _titled(letter: Letter, job: Job, t: Texts) -> Letter:
    """A letter under the job's title, where it has one."""
    title = t.label(job.title, "")
    subject = f"{title}. {letter.subject}" if title else letter.subject
    return Letter(subject, letter.paragraphs, letter.files, letter.lang)


def _mailed(
    letter: Letter, recipients: Sequence[str], settings: Settings, message_id: str
) -> list[Receipt]:
    """By mail, one message each."""
    if not recipients:
        return []
    if settings.server is None:
        cause = "no mail server is set: FUNNELSIM_SMTP_HOST"
        return [Receipt(f"mail:{each}", "failed", cause) for each in recipients]
    return send(letter, recipients, settings.server, message_id=message_id, moment=settings.moment)


def _copied(files: Sequence[Path], wanted: Delivery, job: Job) -> list[Receipt]:
    """Into folders, counted from the job file's."""
    base = job.file.resolve().parent
    return [
        copy(files, base / Path(folder).expanduser(), target=f"folder:{folder}")
        for folder in wanted.folders
    ]


def _posted(letter: Letter, names: Sequence[str], settings: Settings) -> list[Receipt]:
    """To channels."""
    receipts = []
    for name in names:
        target = f"webhook:{name}"
        try:
            address = settings.secrets.need(name, "the address of a channel")
        except InputError as error:
            receipts.append(Receipt(target, "failed", str(error)))
            continue
        receipts.append(
            post(
                letter,
                address,
                target=target,
                timeout=settings.timeout,
                tries=settings.tries,
                pause=settings.pause,
            )
        )
    return receipts
