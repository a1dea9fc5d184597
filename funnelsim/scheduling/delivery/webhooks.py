"""Messages to a channel by webhook: Slack, Teams, and whatever takes ``{"text": …}``."""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from funnelsim.scheduling.delivery.letters import Letter
from funnelsim.scheduling.delivery.secrets import hidden
from funnelsim.scheduling.receipts import Receipt

__all__ = ["payload", "post"]

TEAMS: Final = (".webhook.office.com", ".logic.azure.com", ".api.powerplatform.com")
LOCAL: Final = ("localhost", "127.0.0.1", "::1")
SERVER_FAULT: Final = 500
MOST_SAID: Final = 200


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """A redirect is refused: the address is a secret, and is told to nobody else."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - as the class above has it
        return None


def post(
    letter: Letter,
    address: SecretStr,
    *,
    target: str,
    timeout: float = 20.0,
    tries: int = 3,
    pause: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Receipt:
    """Post a letter's subject and text; files cannot be posted.

    Parameters
    ----------
    letter : Letter
    address : SecretStr
        The webhook's URL, which is a secret: nothing that is told holds it.
    target : str
        What the receipt calls it.
    timeout : float
        Seconds the server may be silent.
    tries : int
        How often, where the server says the fault is its own (5xx).
    pause : float
        Seconds before the second try; it doubles.
    sleep : callable
        How to wait.

    Returns
    -------
    Receipt
        ``unknown`` where no answer came after the message was sent.
    """
    url = address.get_secret_value()
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOCAL):
        return Receipt(target, "failed", "the webhook's address does not begin with https://")
    body = json.dumps(payload(letter, host), ensure_ascii=False).encode()
    receipt = Receipt(target, "failed", "not tried")
    for attempt in range(max(tries, 1)):
        if attempt:
            sleep(pause * 2 ** (attempt - 1))
        receipt, again = _try(url, host, body, target, timeout)
        if not again:
            break
    # A server may say the path back, whole or in parts; each part may be the key.
    telling = [url, parts.path, parts.query, *parts.path.split("/"), *parts.query.split("&")]
    told = hidden(receipt.detail, [SecretStr(each) for each in telling])
    return Receipt(receipt.target, receipt.state, told)


def payload(letter: Letter, host: str) -> Mapping[str, Any]:
    r"""The JSON that a channel understands.

    Examples
    --------
    >>> payload(Letter("A < B", ("Fine.",)), "hooks.slack.com")
    {'text': '*A &lt; B*\n\nFine.'}
    >>> sorted(payload(Letter("A", ("Fine.",)), "x.webhook.office.com"))
    ['attachments', 'type']
    """
    if host.endswith(TEAMS):
        texts = [{"text": letter.subject, "weight": "Bolder", "size": "Medium"}]
        texts += [{"text": paragraph} for paragraph in letter.paragraphs]
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [{"type": "TextBlock", "wrap": True, **text} for text in texts],
        }
        kind = "application/vnd.microsoft.card.adaptive"
        return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
    # So escaped, a title cannot call <!everybody>.
    text = f"*{letter.subject.replace('*', '∗')}*\n\n" + "\n\n".join(letter.paragraphs)
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, name)
    return {"text": text}


def _try(url: str, host: str, body: bytes, target: str, timeout: float) -> tuple[Receipt, bool]:
    """One try, and whether another may help."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "funnelsim"}
    trust = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    opener = urllib.request.build_opener(trust, _NoDetour)
    try:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked
        with opener.open(request, timeout=timeout) as answer:
            return Receipt(target, "delivered", f"{host} answered {answer.status}"), False
    except urllib.error.HTTPError as error:
        with error:
            said = " ".join(error.read(MOST_SAID).decode("utf-8", "replace").split())
        told = f"{host} answered {error.code} {said}".strip()
        return Receipt(target, "failed", told), error.code >= SERVER_FAULT
    except urllib.error.URLError as error:
        return Receipt(target, "failed", f"cannot reach {host}: {error.reason}"), False
    except TimeoutError:
        return Receipt(target, "unknown", f"{host} was silent for {timeout:g} s"), False
    except (OSError, http.client.HTTPException, ValueError) as error:
        told = f"{host} broke off without an answer ({type(error).__name__})"
        return Receipt(target, "unknown", told), False
