"""Reports to people: by mail, into folders, to channels."""

from __future__ import annotations

from funnelsim.scheduling.delivery.mail import Server
from funnelsim.scheduling.delivery.secrets import Secrets
from funnelsim.scheduling.delivery.sending import Settings, announce_failure, deliver

__all__ = ["Secrets", "Server", "Settings", "announce_failure", "deliver"]
