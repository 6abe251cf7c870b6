"""What a text message from a resident asks for: to stop, to start again, or something that only begins like it.

A text that says stop and nothing else is obeyed, in the words that carriers and people use, English and Welsh. One that
only begins with such a word ("Stop lorries using Mill Lane") is for a person to read.
"""

import re
import unicodedata
from enum import StrEnum

# said beside the wish, before or after it; they change nothing
_POLITE = """
    please pls plz thanks ta kindly now hi hello dear sorry asap immediately today
    os gwelwch yn dda diolch nawr helo rwan
"""
POLITE = frozenset(_POLITE.split())
# what comes before the wish in a sentence
ASKING = (
    r"(?:(?:i|we) (?:want|wish|need|would like|d like|demand)(?: you)? to |id like to |i want |can you |could you |"
    r"can i |may i |will you |would you |you must |just |dw i eisiau |rydw i eisiau |hoffwn i |hoffwn )*"
)
# all that may stand behind a wish that says stop and nothing else, in any order
OBJECT = (
    r"(?: (?:all|of|it|them|stop|this|that|these|those|the|your|my|any|more|such|from|to|you|council|everything|me|us|"
    r"again|ever|anymore|number|phone|texts?|txts?|messages?|msgs?|alerts?|notifications?|notices?|updates?|sms|"
    r"subscriptions?|lists?|off|out|yr|y|eich|fy|ataf|i|â|a|mi|fi|eto|mwyach|negeseuon|neges|testun|tecstiau|rhybuddion))*"
)
SENDING = r"(?:sending|texting|messaging|contacting|alerting|calling|phoning|ringing|writing to|bothering|spamming)"
# as thumbs spell it; no other word is spelt so
STOP_WORD = r"(?:s+t+o+p+s?|stpo|sotp|tsop|stp)"
TO_SEND = r"(?:send|text|message|contact|alert|call|phone|ring|write to|bother|spam)"
_STOP = re.compile(
    ASKING
    + r"(?:"
    + r"|".join(
        (
            rf"(?:{STOP_WORD}|stopall|unsubscribe|unsub|cancel|end|quit|revoke|optout|opting out|opt(?: me| us)? out)"
            rf"{OBJECT}",
            rf"(?:{STOP_WORD}|quit|cease|no more) {SENDING}{OBJECT}",
            rf"no more{OBJECT}",
            rf"(?:do not|dont|never) {TO_SEND}{OBJECT}",
            rf"(?:remove|take|delete) (?:me|us|my number|this number){OBJECT}",
            r"leave (?:me|us) alone",
            rf"(?:stopio|stopiwch|stopia|peidiwch|canslo|canslwch|diwedd|gorffen|gadael|dad ?danysgrifio"
            rf"|dad ?danysgrifiwch|dadgofrestru|optio allan|dim mwy|dim mwy o){OBJECT}",
            rf"(?:stopiwch|peidiwch)(?: a| â| ag)? (?:thecstio|tecstio|anfon|danfon|cysylltu|chysylltu){OBJECT}",
            r"tynnwch fi(?: oddi)? ar (?:y|eich) rhestr",
        )
    )
    + r")"
)
_START = re.compile(
    r"(?:start|unstop|restart|yes|resume|dechrau|cychwyn|ailddechrau|ie)(?: (?:again|eto|alerts?|all))?"
)
_BEGINS = re.compile(
    rf"(?:{STOP_WORD}|stopall|unsubscribe|unsub|optout|opt out|stopio|stopiwch|peidiwch|revoke)\b", re.IGNORECASE
)


_SPELT = re.compile(r"\b[^\W\d_](?:[\W_]+[^\W\d_]\b){2,}")  # S T O P
_UNSEEN = frozenset(("Cf", "Mn", "Me"))  # joiners, marks of direction, and variants of emoji


class Wish(StrEnum):
    """What a text asks for. `UNSURE`: it begins like a STOP and goes on about something else."""

    STOP = "stop"
    START = "start"
    UNSURE = "unsure"
    NOTHING = "nothing"


def wish_of(text: str) -> Wish:
    """What these words ask for."""
    words = plain_words(text)
    said = " ".join(word for word in words if word not in POLITE) or " ".join(words)
    if not said:
        return Wish.NOTHING
    if _STOP.fullmatch(said):
        return Wish.STOP
    if _START.fullmatch(said):
        return Wish.START
    return Wish.UNSURE if _BEGINS.match(said) else Wish.NOTHING


def plain_words(text: str) -> list[str]:
    """The words without marks, emoji, invisible characters and letter case, each once where it is repeated in a row."""
    letters = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(one for one in letters if unicodedata.category(one) not in _UNSEEN)
    bare = re.sub(r"['’‘`´]", "", seen).replace("thank you", "thanks")
    bare = _SPELT.sub(lambda run: re.sub(r"[\W_]+", "", run[0]), bare)
    found = re.findall(r"[^\W_]+", bare)
    return [word for place, word in enumerate(found) if place == 0 or word != found[place - 1]]
