"""Letters by SMTP with TLS: each recipient's fate is known, or known to be unknown."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from typing import Final, Literal, get_args

from pydantic import SecretStr

from funnelsim.errors import ParameterError, Problem
from funnelsim.scheduling.delivery.letters import Letter, message, message_id
from funnelsim.scheduling.delivery.secrets import PREFIX, Secrets, hidden
from funnelsim.scheduling.receipts import Receipt

__all__ = ["Server", "Transport", "check_address", "send"]

Transport = Literal["starttls", "tls", "plain"]
PORTS: Final[Mapping[Transport, int]] = {"starttls": 587, "tls": 465, "plain": 25}
LOCAL: Final = ("localhost", "127.0.0.1", "::1")
PASSWORD: Final = f"{PREFIX}SMTP_PASSWORD"
MEGABYTE: Final = 1_000_000
PATIENCE: Final = 5  # so many time-outs, and one for each letter, a conversation may last
USUAL_TIMEOUT: Final = 30.0
READY, TAKEN = 354, 250


@dataclass(frozen=True)
class Server:
    """Where mail is handed in.

    Parameters
    ----------
    host : str
    sender : str
        The address the mail comes from.
    transport : {"starttls", "tls", "plain"}
        ``plain`` only to this very machine.
    port : int
        0: the usual one.
    user : str
        Empty: no login.
    password : SecretStr, optional
        Never shown.
    authorities : str
        A file of certificates to trust besides the system's.
    timeout : float
        Seconds the server may be silent.
    largest : int
        Bytes of a message; 0: what the server says.

    Examples
    --------
    >>> Server("mail.bank.example", "reports@bank.example", password=SecretStr("s3cret"))
    Server(host='mail.bank.example', sender='reports@bank.example', transport='starttls', port=0,
    user='', authorities='', timeout=30.0, largest=0)
    """

    host: str
    sender: str
    transport: Transport = "starttls"
    port: int = 0
    user: str = ""
    password: SecretStr | None = field(default=None, repr=False)
    authorities: str = ""
    timeout: float = USUAL_TIMEOUT
    largest: int = 0

    @classmethod
    def read(cls, secrets: Secrets) -> Server | None:
        """From ``SMTP_HOST``, ``SMTP_FROM``, ``SMTP_TRANSPORT``, ``SMTP_PORT``, ….

        Returns
        -------
        Server or None
            None where no host is set.

        Raises
        ------
        ParameterError
            All that is wrong with the settings.
        """
        host = secrets.plain("SMTP_HOST")
        if not host:
            return None
        problems = []
        sender = secrets.need(f"{PREFIX}SMTP_FROM", "whom mail comes from").get_secret_value()
        transport = secrets.plain("SMTP_TRANSPORT", "starttls")
        if transport not in PORTS:
            message = f'"{transport}" is none of {", ".join(get_args(Transport))}'
            problems.append(Problem(message, path=f"{PREFIX}SMTP_TRANSPORT"))
        if transport == "plain" and host not in LOCAL:
            fix = "Take starttls or tls: without them others can read the mail and the password."
            problems.append(Problem(f"plain to {host}", path=f"{PREFIX}SMTP_TRANSPORT", fix=fix))
        user, password = secrets.plain("SMTP_USER"), secrets.get("SMTP_PASSWORD")
        if user and password is None:
            problems.append(Problem(f"is not set, but {user} is to log in", path=PASSWORD))
        if problem := check_address(sender, f"{PREFIX}SMTP_FROM"):
            problems.append(problem)
        numbers = {"SMTP_PORT": 0.0, "SMTP_TIMEOUT": USUAL_TIMEOUT, "SMTP_MEGABYTES": 0.0}
        for name, usual in numbers.items():
            given = secrets.plain(name, str(usual))
            if not given.replace(".", "", 1).isdigit():
                problems.append(Problem(f'"{given}" is no number', path=f"{PREFIX}{name}"))
            else:
                numbers[name] = float(given)
        if problems:
            raise ParameterError(problems)
        return cls(
            host,
            sender,
            transport,  # type: ignore[arg-type]  # checked above
            int(numbers["SMTP_PORT"]),
            user,
            password,
            secrets.plain("SMTP_AUTHORITIES"),
            numbers["SMTP_TIMEOUT"] or USUAL_TIMEOUT,
            int(numbers["SMTP_MEGABYTES"] * MEGABYTE),
        )


def check_address(address: str, path: str = "recipients") -> Problem | None:
    r"""What is wrong with an address, if anything.

    Examples
    --------
    >>> check_address("anna@bank.example") is None
    True
    >>> print(check_address("anna.bank.example"))
    recipients: "anna.bank.example" is no mail address. It should read name@company.example
    >>> check_address("anna@bank.example\nBcc: all@bank.example") is None
    False
    """
    fix = "It should read name@company.example"
    wrong = Problem(f'"{ascii(address)[1:-1]}" is no mail address', path=path, fix=fix)
    if not address.isascii() or not address.isprintable() or set(address) & set(' ,;<>"()\\'):
        return wrong
    try:
        parsed = Address(addr_spec=address)
    except (MessageError, ValueError, IndexError):
        return wrong
    return None if parsed.username and parsed.domain else wrong


def send(
    letter: Letter,
    recipients: Sequence[str],
    server: Server,
    *,
    message_id: str,
    moment: datetime | None = None,
) -> list[Receipt]:
    """Hand a letter in for each recipient, one message each.

    Parameters
    ----------
    letter : Letter
    recipients : sequence of str
        Addresses.
    server : Server
    message_id : str
        Job and slot; with the recipient it makes the Message-ID.
    moment : datetime, optional
        The date of the mail, by default now.

    Returns
    -------
    list of Receipt
        One per recipient, in order, ``target = "mail:ADDRESS"``. ``unknown``: the connection
        was lost after the message had begun, so it may have arrived.
    """
    when = moment or datetime.now(UTC)
    receipts: list[Receipt] = []
    waiting = list(recipients)
    while waiting:
        done = _round(letter, waiting, server, message_id, when)
        receipts += done
        waiting = waiting[len(done) :]
    return receipts


def _round(
    letter: Letter, recipients: Sequence[str], server: Server, base: str, when: datetime
) -> list[Receipt]:
    """As many recipients as one connection lasts; one at least."""
    receipts: list[Receipt] = []
    step = "connecting"
    try:
        with _connection(server) as smtp, _within(smtp, server, len(recipients)):
            for recipient in recipients:
                step = "sending"
                receipts.append(_one(smtp, letter, recipient, server, base, when))
                if smtp.sock is None:
                    return receipts
    except (OSError, smtplib.SMTPException, ValueError) as error:
        cause = _told(error, server)
        if len(receipts) == len(recipients):
            return receipts  # only the good-bye went wrong
        left = (
            recipients[len(receipts) :] if step == "connecting" else recipients[len(receipts) :][:1]
        )
        receipts += [Receipt(f"mail:{recipient}", "failed", cause) for recipient in left]
    return receipts


@contextmanager
def _connection(server: Server) -> Iterator[smtplib.SMTP]:
    """Greeted, encrypted and logged in."""
    port = server.port or PORTS[server.transport]
    if server.transport == "plain" and server.host not in LOCAL:
        raise ValueError("mail without encryption is only handed to this very machine")
    trust = ssl.create_default_context()
    if server.authorities:
        trust.load_verify_locations(server.authorities)
    smtp: smtplib.SMTP
    if server.transport == "tls":
        smtp = smtplib.SMTP_SSL(server.host, port, timeout=server.timeout, context=trust)
    else:
        smtp = smtplib.SMTP(server.host, port, timeout=server.timeout)
    try:
        if server.transport == "starttls":
            smtp.starttls(context=trust)
        smtp.ehlo_or_helo_if_needed()
        if server.user and server.password is not None:
            smtp.login(server.user, server.password.get_secret_value())
        yield smtp
        if smtp.sock is not None:
            smtp.quit()
    finally:
        smtp.close()


@contextmanager
def _within(smtp: smtplib.SMTP, server: Server, letters: int) -> Iterator[None]:
    """Hang up on a server that says a little now and then, and never comes to an end."""

    def hang_up() -> None:
        if smtp.sock is not None:
            with suppress(OSError):
                smtp.sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(server.timeout * (PATIENCE + letters), hang_up)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _one(
    smtp: smtplib.SMTP,
    letter: Letter,
    recipient: str,
    server: Server,
    base: str,
    when: datetime,
) -> Receipt:
    """One message for one recipient."""
    target = f"mail:{recipient}"
    if check_address(recipient):
        return Receipt(target, "failed", f"{recipient!a} is no mail address")
    identity = message_id(base, recipient, Address(addr_spec=server.sender).domain)
    mail = message(
        letter, sender=server.sender, recipient=recipient, identity=identity, moment=when
    )
    content = mail.as_bytes()
    if (limit := _limit(smtp, server)) and len(content) > limit:
        told = f"the message has {_megabytes(len(content))}, the server takes {_megabytes(limit)}"
        return Receipt(target, "failed", told)
    if refusal := _envelope(smtp, recipient, server, len(content)):
        _start_anew(smtp)
        return Receipt(target, "failed", refusal)
    return _content(smtp, content, target, server)


def _envelope(smtp: smtplib.SMTP, recipient: str, server: Server, size: int) -> str:
    """From whom, to whom, and may we begin; what the server has against it."""
    options = [f"size={size}"] if smtp.has_extn("size") else []
    steps: tuple[tuple[str, int, Callable[[], tuple[int, bytes]]], ...] = (
        ("sender", TAKEN, lambda: smtp.mail(server.sender, options)),
        ("recipient", TAKEN, lambda: smtp.rcpt(recipient)),
        ("message", READY, lambda: smtp.docmd("DATA")),
    )
    for name, wanted, step in steps:
        code, answer = step()
        if code // 10 != wanted // 10:  # 251: it will be passed on
            said = hidden(answer.decode("utf-8", "replace"), [server.password])
            return f"the server refused the {name}: {code} {said}"
    return ""


def _start_anew(smtp: smtplib.SMTP) -> None:
    """Forget the envelope, for the next recipient; or give the connection up."""
    try:
        smtp.rset()
    except (OSError, smtplib.SMTPException):
        smtp.close()


def _content(smtp: smtplib.SMTP, content: bytes, target: str, server: Server) -> Receipt:
    """The message itself; whoever is silent after it has it, or has it not."""
    lines = content.replace(b"\r\n.", b"\r\n..")
    lines = b"." + lines if lines.startswith(b".") else lines
    end = b".\r\n" if lines.endswith(b"\r\n") else b"\r\n.\r\n"
    try:
        smtp.send(lines + end)
        code, answer = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        smtp.close()
        return Receipt(target, "unknown", f"after the message had begun: {_told(error, server)}")
    said = hidden(answer.decode("utf-8", "replace"), [server.password])
    if code == TAKEN:
        return Receipt(target, "delivered", f"{code} {said}")
    return Receipt(target, "failed", f"the server refused the message: {code} {said}")


def _limit(smtp: smtplib.SMTP, server: Server) -> int:
    """The largest message in bytes, 0 if nobody said."""
    said = smtp.esmtp_features.get("size", "")
    limits = [limit for limit in (int(said) if said.isdigit() else 0, server.largest) if limit]
    return min(limits, default=0)


def _megabytes(size: int) -> str:
    """A size in words."""
    return f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE // 10 else f"{size:,} bytes"


def _told(error: Exception, server: Server) -> str:
    """An error in one line, without secrets."""
    place = f"{server.host}:{server.port or PORTS[server.transport]}"
    # smtplib calls silence a closed connection, too.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"{place} was silent for {server.timeout:g} s"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"{place} refused the login of {server.user} ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return f"{place} closed the connection"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {place} is not trusted: {error.verify_message}"
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        said = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
        return hidden(f"{place} answered {error.smtp_code} {said}", [server.password])
    return hidden(f"{place}: {error}".strip(": "), [server.password])
