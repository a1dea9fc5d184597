"""Mail servers on this machine for tests: an honest one with TLS, and ones that misbehave."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

USER, PASSWORD = "reports", "t0p-s3cret-word"


def certificate(folder):
    """An authority of its own and what it signed for localhost: two files."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "localhost.pem")
    )
    return folder


class Inbox:
    """Keeps what arrives; refuses whoever is called nobody."""

    def __init__(self):
        self.letters = []

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):  # noqa: N802
        if address.startswith("nobody"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.letters.append((tuple(envelope.rcpt_tos), envelope.content))
        return "250 taken"


def _login(server, session, envelope, mechanism, login):
    known = login.login == USER.encode() and login.password == PASSWORD.encode()
    return AuthResult(success=known, handled=False)


@contextmanager
def honest(folder, *, implicit=False, largest=2_000_000):
    """A server that speaks TLS and wants a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "localhost.pem")
    inbox = Inbox()
    security: dict[str, Any] = (
        {"ssl_context": context, "auth_require_tls": False}
        if implicit
        else {"tls_context": context, "require_starttls": True}
    )
    controller = Controller(
        inbox,
        hostname="localhost",
        port=_free(),
        data_size_limit=largest,
        authenticator=_login,
        auth_required=not implicit,
        **security,
    )
    controller.start()
    try:
        yield inbox, controller.port
    finally:
        controller.stop()


@contextmanager
def misbehaving(how):
    """A server that does one thing wrong: ``how`` says where; counts its connections."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen, over = [], threading.Event()

    def serve():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                if over.is_set():
                    return
                connection.settimeout(5)
                seen.append("connection")
                try:
                    _talk(connection, how, over, seen)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        over.set()
        # A thread in accept() notices a connection, not always a closed socket.
        socket.create_connection(listener.getsockname()).close()
        listener.close()
        thread.join(5)


ANSWERS = {
    "HELO": b"250 here\r\n",
    "EHLO": b"250-here\r\n250 SIZE 5000000\r\n",
    "RSET": b"250 OK\r\n",
    "MAIL": b"250 OK\r\n",
    "RCPT": b"250 OK\r\n",
    "DATA": b"354 go on\r\n",
    "QUIT": b"221 bye\r\n",
}


def _talk(connection, how, over, seen):
    """One conversation."""
    if how == "hang at greeting":
        over.wait(5)
        return
    connection.sendall(b"554 go away\r\n" if how == "refuse greeting" else b"220 here\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        verb = line[:4].upper().decode("ascii", "replace")
        seen.append(verb)
        if how == f"refuse {verb}":
            connection.sendall(b"451 not now\r\n")
            continue
        if how == f"drop at {verb}":
            return
        while how == f"drip at {verb}" and not over.wait(0.05):
            connection.sendall(b"2")
        connection.sendall(ANSWERS.get(verb, b"502 what\r\n"))
        if verb == "QUIT":
            return
        if verb == "DATA" and not _message(connection, lines, how, over):
            return


def _message(connection, lines, how, over):
    """Take a message, or do not; whether the conversation goes on."""
    if how == "drop in message":
        lines.readline()
        return False
    while lines.readline() not in (b".\r\n", b""):
        pass
    if how == "hang after message":
        over.wait(5)
    if how in ("drop after message", "hang after message"):
        return False
    connection.sendall(b"552 too long\r\n" if how == "refuse message" else b"250 taken\r\n")
    return True


def _free():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
