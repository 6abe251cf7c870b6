"""The answers of a sign-up that is not finished. They are sealed in a cookie of the resident's browser: nothing is
stored here about people who have not agreed to anything.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from notify.channels import BY_FIELD
from notify.core import clock, tokens
from notify.core.form_fields import EMPTY, Form
from notify.subscribers.sign_up.form import campaign_of
from notify.subscribers.sign_up.steps import ASKED, Step

LIFE = timedelta(hours=4)
LIFE_AFTER_SENDING = timedelta(minutes=30)  # for a wrong address to be put right; the computer may be a library's
PURPOSE = "sign-up draft"
MOST_TOPICS = 60
# browsers keep cookies of 4,096 bytes: no answer may push out another. Anything longer is refused as too long anyway
LONGEST_BYTES = {"label": 200, "name": 340, "tracking_consent": 5}
LONGEST_OTHER_BYTES = 40
MOST_WAYS = 8


@dataclass(frozen=True, slots=True)
class Draft:
    """Answers so far. `id` stands for one sign-up, so that pressing its button twice sends once. `is_checking`: all
    questions were asked once. `is_sent`: these answers were signed up with.
    """

    id: str = field(default_factory=tokens.random_token)
    form: Form = EMPTY
    is_checking: bool = False
    is_sent: bool = False

    @property
    def version(self) -> str:
        """What tells these answers from any others: a page shows it, and its button sends it back."""
        said = json.dumps([self.id, sorted(self.form.fields.items())])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def life(self) -> timedelta:
        """How long the browser keeps it from now on."""
        return LIFE_AFTER_SENDING if self.is_sent else LIFE

    def answered(self, step: Step, form: Form) -> "Draft":
        """The draft with other answers to one question. The rest stays, so that two tabs can be open."""
        given = {name: _kept(name, form.all(name)) for name in ASKED[step]}
        given |= {"source": [campaign_of(form)]} if campaign_of(form) else {}
        return self._with(given)

    @classmethod
    def filled_in(cls, form: Form) -> "Draft":
        """A draft of a form that brings all its answers."""
        names = [name for step in Step for name in ASKED[step]]
        return cls()._with({name: _kept(name, form.all(name)) for name in names} | {"source": [campaign_of(form)]})

    def at_postcode(self, postcode: str) -> "Draft":
        """The draft with the postcode as it is printed; what was sent stays sent."""
        return replace(self, form=Form({**self.form.fields, "postcode": [postcode]}))

    def _with(self, given: Mapping[str, Sequence[str]]) -> "Draft":
        fields = {name: values for name, values in {**self.form.fields, **given}.items() if any(values)}
        is_same = fields == self.form.fields
        return replace(self, form=Form(fields), is_sent=self.is_sent and is_same)

    def sent(self) -> "Draft":
        """The same answers once they were signed up with; to do so again is another sign-up."""
        return replace(self, id=tokens.random_token(), is_sent=True)


def _kept(name: str, values: Sequence[str]) -> list[str]:
    """The values of a field as far as a cookie keeps them."""
    if name == "topic":
        return [value for value in values if _is_id(value)][:MOST_TOPICS]
    longest = (BY_FIELD[name].input_longest if name in BY_FIELD else LONGEST_BYTES.get(name)) or LONGEST_OTHER_BYTES
    cut = [value.encode()[: longest + 1].decode(errors="ignore") for value in values]
    return [value for value in cut if value][:MOST_WAYS]


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def sealed(draft: Draft) -> str:
    """The draft as the browser keeps it: nobody but us can read or change it."""
    kept = {
        "id": draft.id,
        "until": (clock.now() + draft.life).timestamp(),
        "answers": {name: list(values) for name, values in draft.form.fields.items() if name != "topic"},
        "topics": [UUID(topic).hex for topic in draft.form.all("topic")],
        "checking": draft.is_checking,
        "sent": draft.is_sent,
    }
    said = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    return tokens.seal_file(PURPOSE, zlib.compress(said.encode(), 9)).decode()


def unsealed(text: str) -> Draft | None:
    """The draft that was sealed; None where it has expired, is another installation's, or is none of ours."""
    try:
        kept = json.loads(zlib.decompress(tokens.unseal_file(PURPOSE, text.encode())))
    except (tokens.LinkNotValid, zlib.error, ValueError):
        return None
    if kept["until"] <= clock.now().timestamp():
        return None
    topics = {"topic": [str(UUID(topic)) for topic in kept["topics"]]} if kept["topics"] else {}
    return Draft(kept["id"], Form(kept["answers"] | topics), kept["checking"], kept["sent"])
