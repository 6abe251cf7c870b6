"""Advice on words, before they are sent: how hard they are to read, what is missing, and what does not belong there.

It is advice. Nothing here stops anyone in an emergency.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

# GOV.UK's advice is to write for a reading age of nine; most adults read with ease at eleven to twelve
EASY_AGE = 12
_VOWELS = re.compile(r"[aeiouyŵŷ]+", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-zÀ-ÿŵŷŴŶ’']+")
_SENTENCE = re.compile(r"[.!?]+(?:\s|$)|\n+")
FEWEST_WORDS = 12  # of fewer nothing can be said

PLAINER: Mapping[str, str] = {
    "advise": "tell",
    "approximately": "about",
    "at this moment in time": "now",
    "commence": "start",
    "currently": "now, or nothing",
    "due to the fact that": "because",
    "endeavour": "try",
    "ensure": "make sure",
    "facilitate": "help",
    "going forward": "from now on",
    "however": "but",
    "in order to": "to",
    "in the event of": "if",
    "please be advised": "nothing: say it at once",
    "prior to": "before",
    "purchase": "buy",
    "regarding": "about",
    "residents are advised to": "a verb, as in: Stay indoors",
    "subsequently": "then",
    "terminate": "end",
    "utilise": "use",
    "vehicle": "car, van or lorry",
    "with immediate effect": "from now",
    "with regard to": "about",
}
PRAISE = (
    *("proud", "delighted", "flagship", "world-class", "thanks to the council's leadership", "record investment"),
    *("manifesto", "the administration", "the leader of the council", "the opposition", "our vision"),
)
PARTIES = (
    *("labour", "conservative", "conservatives", "tory", "tories", "liberal democrat", "liberal democrats", "lib dem"),
    *("green party", "reform uk", "plaid cymru", "snp", "ukip", "the independents"),
)
_TIME = re.compile(
    r"\d|\b(today|tonight|tomorrow|now|monday|tuesday|wednesday|thursday|friday|saturday|sunday|noon|midnight|"
    r"morning|afternoon|evening|until|since)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|\b[A-Z][\w’']+ (Road|Street|Lane|Avenue|Close|Way|Drive|Park|Bridge|Square|"
    r"Hill|River|School|Library|Centre|Ward)\b|\b(in|at|near|along|between|from) (the )?[A-Z]\w+"
)
_ACTION = re.compile(
    r"(?:^|[.!?:\n]\s*|\b(?:please|and|or|then|must|should|do not|don’t|don't)\s+)"
    r"(avoid|boil|bring|call|check|close|come|contact|do|drink|drive|evacuate|expect|find|follow|get|go|help|keep|"
    r"leave|look|move|park|plan|put|read|report|ring|see|shut|sign|stay|stop|switch|take|tell|travel|turn|use|visit|"
    r"wait|walk|watch)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to look at again: what it is about, in a word, and what to do."""

    about: str
    words: str


def reading_age(text: str) -> int | None:
    """The age at which most people read this with ease, by Flesch and Kincaid's grade; None for a few words only."""
    words = _WORD.findall(text)
    if len(words) < FEWEST_WORDS:
        return None
    sentences = sum(1 for part in _SENTENCE.split(text) if _WORD.search(part)) or 1
    grade = 0.39 * len(words) / sentences + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59
    return max(5, round(grade + 5))


def _syllables(word: str) -> int:
    spoken = word.lower()
    spoken = spoken[:-1] if spoken.endswith("e") and not spoken.endswith(("le", "ee")) else spoken
    return max(1, len(_VOWELS.findall(spoken)))


def advise(title: str, body: str, *, on: date, election: tuple[date, date] | None = None) -> Sequence[Advice]:
    """What to look at again in the English words of an alert; between the days of `election` nothing may seem party."""
    whole = f"{title}\n{body}"
    found = [*_hard(whole), *_missing(title, whole), *_not_neutral(whole)]
    if election and election[0] <= on <= election[1]:
        ends = f"{election[1]:%-d %B}"
        found.append(
            Advice(
                "Election", f"Until {ends} send only what cannot wait, and nothing that favours a party or a person."
            )
        )
    return found


def _hard(text: str) -> list[Advice]:
    found = []
    age = reading_age(text)
    if age is not None and age > EASY_AGE:
        found.append(Advice("Reading", f"It reads as if for age {age}. Shorter sentences and words help everybody."))
    for phrase, plainer in PLAINER.items():
        if _has(text, phrase):
            found.append(Advice("Plain words", f"“{phrase}”: say {plainer}."))
    return found


def _missing(title: str, text: str) -> list[Advice]:
    found = []
    if len(_WORD.findall(title)) < 3:
        found.append(Advice("What", "The title says too little: what has happened, and where?"))
    if not _PLACE.search(text):
        found.append(Advice("Where", "Name the place: a road, a part of town or a postcode."))
    if not _TIME.search(text):
        found.append(Advice("When", "Say when: a day, a time, or until when."))
    if not _ACTION.search(text):
        found.append(Advice("What to do", "Say what people are to do, even if it is nothing."))
    return found


def neutrality(title: str, body: str) -> Sequence[Advice]:
    """Words in an alert that praise or name a party."""
    return _not_neutral(f"{title}\n{body}")


def _not_neutral(text: str) -> list[Advice]:
    found = [Advice("Neutral", f"“{phrase}” praises. Say what is the case.") for phrase in PRAISE if _has(text, phrase)]
    named = [name for name in PARTIES if _has(text, name)]
    if named:
        found.append(
            Advice("Neutral", f"It may name a party ({', '.join(named)}), which a council's message never does.")
        )
    return found


def _has(text: str, phrase: str) -> bool:
    return re.search(rf"\b{re.escape(phrase)}\b", text, re.IGNORECASE) is not None
