"""Whether a call is ours: for receivers of webhooks. The signature is that of Standard Webhooks."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from notify.core import clock

TOLERANCE_S = 300  # an older call may be a copy that someone kept
PREFIX = "whsec_"


class NotOurs(Exception):
    """The call has no valid signature, or is too old: answer 401 and do nothing else."""


def verify(
    body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None, tolerance_s: float = TOLERANCE_S
) -> dict[str, Any]:
    """The alert in a call, once its signature and age have been checked.

    `body` is the body as it came, before anything read it. `secret` is `whsec_…`, or several with spaces between them
    while it is being changed. Raises: NotOurs.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    reference, timestamp = sent.get("webhook-id", ""), sent.get("webhook-timestamp", "")
    if not reference or not timestamp.isascii() or not timestamp.isdigit():
        raise NotOurs("The call has no webhook-id or no webhook-timestamp.")
    if abs((clock.now().timestamp() if now is None else now) - int(timestamp)) > tolerance_s:
        raise NotOurs("The call is too old, or the clock of this machine is wrong.")
    signed = f"{reference}.{timestamp}.".encode() + body
    given = [one.removeprefix("v1,") for one in sent.get("webhook-signature", "").split() if one.startswith("v1,")]
    ours = [_signature(key, signed) for key in secret.split()]
    if not any(hmac.compare_digest(each.encode(), one.encode()) for each in given for one in ours):
        raise NotOurs("No signature of the call is valid.")
    told: dict[str, Any] = json.loads(body)
    return told


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
