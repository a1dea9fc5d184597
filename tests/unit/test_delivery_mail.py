"""Mail: what arrives, what does not, and that nothing secret is told."""

from __future__ import annotations

import email
import os
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from typing import Any

import pytest
from pydantic import SecretStr

from funnelsim.errors import ParameterError
from funnelsim.reporting.texts import texts
from funnelsim.scheduling.delivery.letters import Letter, finished
from funnelsim.scheduling.delivery.mail import Server, send
from funnelsim.scheduling.delivery.secrets import Secrets
from tests.unit.mail_servers import PASSWORD, USER, certificate, honest, misbehaving

ANNA, BORYS = "anna@bank.example", "borys@bank.example"
MOMENT = datetime(2026, 11, 23, 7, tzinfo=UTC)
LETTER = Letter("Огляд воронки", ("З 15 274 лідів виграно 18 %.",), lang="uk")


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


def server(port, pem, **other):
    sender = "reports@bank.example"
    told: dict[str, Any] = {
        "user": USER,
        "password": SecretStr(PASSWORD),
        "authorities": str(pem / "authority.pem"),
        "timeout": 5.0,
    }
    return Server("localhost", sender, port=port, **(told | other))


def plain(port, **other):
    return Server("127.0.0.1", "reports@bank.example", "plain", port=port, timeout=0.4, **other)


def states(receipts):
    return [receipt.state for receipt in receipts]


def parsed(content):
    return email.message_from_bytes(content, policy=policy.default)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_a_letter_with_its_pdf_arrives_over_tls(pem, tmp_path, implicit):
    pdf = tmp_path / "звіт.pdf"
    pdf.write_bytes(b"%PDF-1.7\n.\n.hidden dot\n" + bytes(range(256)))
    with honest(pem, implicit=implicit) as (inbox, port):
        given = server(port, pem, transport="tls" if implicit else "starttls")
        if implicit:
            given = replace(given, user="")  # aiosmtpd takes no login on such a connection
        letter = replace(LETTER, files=(pdf,))
        receipts = send(letter, [ANNA, BORYS], given, message_id="weekly/1", moment=MOMENT)
    assert states(receipts) == ["delivered"] * 2
    assert [to for to, _ in inbox.letters] == [(ANNA,), (BORYS,)]
    mail = parsed(inbox.letters[0][1])
    assert (mail["Subject"], mail["To"]) == ("Огляд воронки", ANNA)
    assert "18 %" in mail.get_body().get_content()
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("звіт.pdf", pdf.read_bytes())


def test_the_message_id_is_the_same_at_every_try_and_another_for_everybody_else(pem):
    with honest(pem) as (inbox, port):
        for base in ("weekly/1", "weekly/1", "weekly/2"):
            send(LETTER, [ANNA, BORYS], server(port, pem), message_id=base)
    ids = [parsed(content)["Message-ID"] for _, content in inbox.letters]
    assert ids[:2] == ids[2:4]
    assert len(set(ids)) == 4


def test_each_recipient_has_an_own_fate(pem):
    with honest(pem) as (inbox, port):
        given = [ANNA, "nobody@bank.example", BORYS]
        receipts = send(LETTER, given, server(port, pem), message_id="x")
    assert states(receipts) == ["delivered", "failed", "delivered"]
    assert "550 no such user" in receipts[1].detail
    assert len(inbox.letters) == 2


def test_a_certificate_that_nobody_vouches_for_is_refused(pem):
    with honest(pem) as (inbox, port):
        receipts = send(LETTER, [ANNA], server(port, pem, authorities=""), message_id="x")
    assert states(receipts) == ["failed"]
    assert "certificate" in receipts[0].detail
    assert not inbox.letters


def test_a_wrong_password_is_told_but_not_which(pem):
    wrong = "an0ther-s3cret"
    with honest(pem) as (_, port):
        given = server(port, pem, password=SecretStr(wrong))
        receipts = send(LETTER, [ANNA, BORYS], given, message_id="x")
    assert states(receipts) == ["failed"] * 2
    assert "refused the login of reports (535)" in receipts[0].detail
    assert wrong not in repr(receipts) + repr(given)


def test_a_message_too_large_is_told_with_the_limit(pem, tmp_path):
    file = tmp_path / "report.pdf"
    file.write_bytes(os.urandom(300_000))
    with honest(pem, largest=200_000) as (inbox, port):
        letter = replace(LETTER, files=(file,))
        by_server = send(letter, [ANNA], server(port, pem), message_id="x")
        own = send(LETTER, [ANNA], server(port, pem, largest=100), message_id="x")
    assert states([*by_server, *own]) == ["failed"] * 2
    assert "0.4 MB, the server takes 0.2 MB" in by_server[0].detail
    assert "takes 100 bytes" in own[0].detail
    assert not inbox.letters


# --- servers that misbehave -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "state", "told"),
    [
        ("hang at greeting", "failed", "silent for 0.4 s"),
        ("refuse greeting", "failed", "554 go away"),
        ("drop at EHLO", "failed", "closed the connection"),
        ("refuse MAIL", "failed", "refused the sender: 451 not now"),
        ("drop at MAIL", "failed", "closed the connection"),
        ("refuse RCPT", "failed", "refused the recipient: 451"),
        ("drop at RCPT", "failed", "closed the connection"),
        ("refuse DATA", "failed", "refused the message: 451"),
        ("drop at DATA", "failed", "closed the connection"),
        ("drop in message", "unknown", "after the message had begun"),
        ("drop after message", "unknown", "after the message had begun"),
        ("hang after message", "unknown", "silent for 0.4 s"),
        ("drip at RCPT", "failed", "refused the recipient: 222"),
        ("refuse message", "failed", "552 too long"),
        ("drop at QUIT", "delivered", "250 taken"),
        ("nothing", "delivered", "250 taken"),
    ],
)
def test_every_way_to_misbehave_has_its_receipt(how, state, told):
    with misbehaving(how) as (port, _):
        (receipt,) = send(LETTER, [ANNA], plain(port), message_id="x")
    assert receipt.target == f"mail:{ANNA}"
    assert (receipt.state, told in receipt.detail) == (state, True), receipt


def test_who_comes_after_a_lost_connection_is_served_by_a_new_one():
    with misbehaving("drop after message") as (port, seen):
        receipts = send(LETTER, [ANNA, BORYS], plain(port), message_id="x")
    assert states(receipts) == ["unknown"] * 2
    assert seen.count("connection") == 2


def test_nobody_there():
    with misbehaving("nothing") as (port, _):
        pass
    receipts = send(LETTER, [ANNA, BORYS], plain(port), message_id="x")
    assert states(receipts) == ["failed"] * 2
    assert "refused" in receipts[0].detail.casefold()


# --- nothing smuggled in --------------------------------------------------------------------------

WICKED = 'Звіт\r\nBcc: all@bank.example\n\u2028\x00#panic("x") $ @ <script> =cmd()'


def test_a_title_cannot_become_a_header(pem):
    told = {"title": WICKED, "kicker": WICKED, "as_of": "2026-01-01", "sentences": [WICKED]}
    letter = finished(told, [], texts("uk"))
    with honest(pem) as (inbox, port):
        receipts = send(letter, [ANNA], server(port, pem), message_id="x\r\nBcc: y")
    assert states(receipts) == ["delivered"]
    ((to, content),) = inbox.letters
    mail = parsed(content)
    assert to == (ANNA,)
    assert "Bcc" not in mail
    assert not {"\r", "\n", "\x00"} & set(mail["Subject"])
    assert '#panic("x") $ @ <script> =cmd()' in mail["Subject"]


@pytest.mark.parametrize(
    "address",
    [
        "anna",
        "anna@",
        "@x.example",
        f"{ANNA}\r\nBcc: {BORYS}",
        f"{ANNA}, {BORYS}",
        "a b@x.example",
        "<anna@x.example>",
        "анна@банк.укр",
        "anna@x.example\n",
        "",
    ],
)
def test_what_is_no_address_is_sent_nothing(address):
    with misbehaving("nothing") as (port, seen):
        (receipt,) = send(LETTER, [address], plain(port), message_id="x")
    assert receipt.state == "failed"
    assert "is no mail address" in receipt.detail
    assert "MAIL" not in seen


# --- secrets --------------------------------------------------------------------------------------


def written(tmp_path, text, mode=0o600):
    file = tmp_path / "secrets"
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return {"FUNNELSIM_SECRETS": str(file)}


def test_secrets_come_from_a_guarded_file_and_the_environment_wins(tmp_path):
    given = written(tmp_path, f"# mail\nFUNNELSIM_SMTP_PASSWORD={PASSWORD}\nSALES=https://a=b\n")
    secrets = Secrets.read(given)
    assert secrets.plain("SMTP_PASSWORD") == PASSWORD
    assert secrets.plain("SALES") == "https://a=b"
    assert Secrets.read(given | {"SALES": "other"}).plain("SALES") == "other"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    with pytest.raises(ParameterError, match=r"by others .*chmod 600"):
        Secrets.read(written(tmp_path, "A=b", mode))


def test_a_file_of_somebody_else_is_refused(tmp_path, monkeypatch):
    given = written(tmp_path, "A=b")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ParameterError, match="belongs to somebody else"):
        Secrets.read(given)


def test_a_broken_file_is_told_without_its_content(tmp_path):
    with pytest.raises(ParameterError) as caught:
        Secrets.read(written(tmp_path, f"A=b\n{PASSWORD}\nanother line\n"))
    assert [problem.where.rpartition(":")[2] for problem in caught.value.problems] == ["2", "3"]
    assert PASSWORD not in str(caught.value)
    with pytest.raises(ParameterError, match="cannot be read"):
        Secrets.read({"FUNNELSIM_SECRETS": str(tmp_path / "none")})


def test_nothing_shows_a_secret():
    secrets = Secrets.read({"FUNNELSIM_SMTP_PASSWORD": PASSWORD})
    given = Server("localhost", ANNA, user=USER, password=secrets.get("SMTP_PASSWORD"))
    try:
        shown = f"{secrets} {secrets!r} {given} {given!r} {secrets.values}"
        raise ValueError(given, secrets)  # noqa: TRY301 - what a traceback says of it
    except ValueError as error:
        whole = traceback.TracebackException.from_exception(error, capture_locals=True)
        kept = dict(whole.stack[0].locals or {})
        shown += str(whole) + repr(kept)
    assert PASSWORD not in shown


def test_the_settings_tell_all_that_is_wrong():
    given = {
        "FUNNELSIM_SMTP_HOST": "mail.bank.example",
        "FUNNELSIM_SMTP_FROM": "reports",
        "FUNNELSIM_SMTP_TRANSPORT": "plain",
        "FUNNELSIM_SMTP_PORT": "many",
        "FUNNELSIM_SMTP_USER": "reports",
    }
    with pytest.raises(ParameterError) as caught:
        Server.read(Secrets.read(given))
    assert len(caught.value.problems) == 4
    whole = given | {"FUNNELSIM_SMTP_FROM": ANNA, "FUNNELSIM_SMTP_TRANSPORT": "tls"}
    whole |= {"FUNNELSIM_SMTP_PORT": "465", "FUNNELSIM_SMTP_PASSWORD": PASSWORD}
    read = Server.read(Secrets.read(whole))
    assert read is not None
    assert (read.port, read.transport, read.user) == (465, "tls", "reports")


def test_plain_mail_leaves_this_machine_never():
    given = Server("mail.bank.example", ANNA, "plain")
    (receipt,) = send(LETTER, [ANNA], given, message_id="x")
    assert receipt.state == "failed"
    assert "without encryption" in receipt.detail
