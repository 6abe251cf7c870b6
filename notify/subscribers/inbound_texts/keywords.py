"""What a text asks for, besides stopping: help, information, another postcode, a yes, or the answer to a question.

English and Welsh are read alike, whatever language the resident gets alerts in.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from notify.places import postcodes
from notify.subscribers.inbound_texts.stop_words import POLITE, plain_words

_HELP = frozenset(["help", "cymorth", "helpu", "help me", "commands", "menu"])
_INFO = frozenset(["info", "information", "status", "gwybodaeth", "manylion", "gwybod"])
_YES = frozenset(["yes", "y", "yeah", "yep", "yes ok", "ie", "iawn", "ydw", "do", "yes move", "ie iawn"])
_NO = frozenset(["no", "n", "nope", "na", "nage", "nac ydw", "no thanks"])
# what people say before or behind the answer itself, without which it is the same
_ABOUT_ME = (
    r"(?:(?:yes|ie|i am|we are|i|we|im|were|all|my|our|family|everyone|everybody|here|thats|just|dw|dwi|dwin|in|rydw|"
    r"rydyn|ni|n|yn|dyn|bawb|pawb|ydym|and|a|ac|ok|fine|iawn) )*"
)
_SAFE = re.compile(
    rf"{_ABOUT_ME}(?:1|safe|safely|unharmed|diogel|ddiogel|saff|ok|okay|fine|iawn)"
    r"(?: (?:here|now|and|well|sound|at|home|all|of|us|ok|fine|yma|nawr|gartref|adref|diolch|yn|iach|a|ac))*"
)
_NOT_SAFE = re.compile(r"(?:\w+ ){0,3}(?:not|nor|isnt|arent|unsafe|ddim|dim|nid|nac)\b.*")
# what says by itself that somebody is safe; “ok” may only thank us
_PLAINLY_SAFE = re.compile(r"\b(?:1|safe|safely|unharmed|diogel|ddiogel|saff)\b")
_NEED_HELP = re.compile(
    rf"{_ABOUT_ME}(?:2|(?:need|needs|want|wants|send|require|angen|eisiau|anfonwch|the|some|urgent|urgently|your) )*"
    r"(?:2|help|helpu|cymorth|sos|trapped|stuck|hurt|injured|rescue|assistance|gymorth|chymorth)(?: .*)?"
)
_POSTCODE = re.compile(
    r"(?:(?:my|new|post ?code|is|now|move|moved|moving|to|house|home|i|we|have|ve|ive|im|am|at|fy|nghod|cod|post|"
    r"newydd|yw|symud|wedi|i|rwyf|dw) )*(?P<code>[a-z]{1,2}[0-9][0-9a-z]? ?[0-9][a-z]{2})"
)


class Keyword(StrEnum):
    """What a text that is not about stopping asks for."""

    HELP = "help"
    INFO = "info"
    POSTCODE = "postcode"
    YES = "yes"
    NO = "no"
    NOTHING = "nothing"


class SafetyAnswer(StrEnum):
    """What a text answers to “are you safe?”. The values are those of the link's page."""

    SAFE = "safe"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a text asks for. `postcode` is a key without a space, where it is one."""

    keyword: Keyword
    postcode: str = ""


def asked_for(text: str) -> Asked:
    """What these words ask for, if one thing and nothing else."""
    words = [word for word in plain_words(text) if word not in POLITE]
    said = " ".join(words)
    if said in _HELP:
        return Asked(Keyword.HELP)
    if said in _INFO:
        return Asked(Keyword.INFO)
    if said in _YES:
        return Asked(Keyword.YES)
    if said in _NO:
        return Asked(Keyword.NO)
    found = _POSTCODE.fullmatch(said)
    if found is None:
        return Asked(Keyword.NOTHING)
    try:
        return Asked(Keyword.POSTCODE, postcodes.normalise(found["code"]))
    except postcodes.PostcodeNotValid:
        return Asked(Keyword.NOTHING)


def safety_answer(text: str) -> SafetyAnswer | None:
    """What these words answer to “are you safe?”; None where that is not plain. A doubt is never taken for safe, and
    neither is a question.
    """
    said = " ".join(word for word in plain_words(text) if word not in POLITE)
    if _NEED_HELP.fullmatch(said) and not re.search(r"\b(?:no|dont|not|ddim)\b", said):
        return SafetyAnswer.HELP
    if _NOT_SAFE.fullmatch(said):
        return SafetyAnswer.HELP if re.search(r"\b(?:safe|ok|okay|fine|ddiogel|diogel|saff|iawn)\b", said) else None
    return SafetyAnswer.SAFE if "?" not in text and _SAFE.fullmatch(said) else None


def is_plainly_safe(text: str) -> bool:
    """Whether the words take back that somebody needs help: “safe” does, “ok thanks” does not."""
    return _PLAINLY_SAFE.search(" ".join(plain_words(text))) is not None
