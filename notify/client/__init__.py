"""A client of the API, for programs of councils: `from notify.client import Notify`.

It needs httpx and nothing of the server. Errors are `Problem`, which says what the server said.
"""

from notify.client.council_api import Notify
from notify.client.problem import Problem
from notify.client.replies import Alert, Audience, Postcode, Topic
from notify.client.webhooks import NotOurs, verify

__all__ = ["Alert", "Audience", "NotOurs", "Notify", "Postcode", "Problem", "Topic", "verify"]
