"""What a call says, as TwiML: the alert twice, then the key that stops the calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from notify.providers import speech

STOP_KEY = "9"
MAX_TWIML_BYTES = 4000  # Twilio's limit is 4,000 characters, of which Welsh letters are two bytes each
RATE = "90%"
KEY_PATIENCE_S = 6


@dataclass(frozen=True, slots=True)
class _Phrases:
    locale: str
    stop: str
    stopped: str
    goodbye: str
    shortened: str


PHRASES = {
    "en": _Phrases(
        locale="en-GB",
        stop="To stop these calls, press nine.",
        stopped="We will not call you again. Goodbye.",
        goodbye="Goodbye.",
        shortened="This message has been shortened.",
    ),
    "cy": _Phrases(
        locale="cy-GB",
        stop="I stopio’r galwadau hyn, pwyswch naw.",
        stopped="Ni fyddwn yn eich ffonio eto. Hwyl fawr.",
        goodbye="Hwyl fawr.",
        shortened="Mae’r neges hon wedi’i byrhau.",
    ),
}
NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@dataclass(frozen=True, slots=True)
class Script:
    """How a call is to sound: the voice for each language, and where a pressed key is reported to."""

    voices: Mapping[str, str]
    action_url: str

    def call(self, text: str, language: str) -> str:
        """The whole call. A text that is too long for Twilio is cut after a sentence, and the call says so."""
        phrases = PHRASES.get(language, PHRASES["en"])
        around = len(self._document("", language).encode())
        said, is_all = speech.fitting(text, MAX_TWIML_BYTES - around)
        if not is_all:
            shortened = speech.to_ssml(phrases.shortened)
            said, _ = speech.fitting(text, MAX_TWIML_BYTES - around - len(shortened.encode()))
            said += shortened
        return self._document(said, language)

    def _document(self, said: str, language: str) -> str:
        phrases = PHRASES.get(language, PHRASES["en"])
        slowly = f'<prosody rate="{RATE}">{said}</prosody><break time="1s"/>'
        return (
            '<Response><Pause length="1"/>'
            f"{self._say(slowly, language, times=2)}"
            f'<Gather numDigits="1" finishOnKey="" timeout="{KEY_PATIENCE_S}" action={quoteattr(self.action_url)}>'
            f"{self._say(escape(phrases.stop), language)}</Gather>"
            f"{self._say(escape(phrases.goodbye), language)}</Response>"
        )

    def _say(self, ssml: str, language: str, *, times: int = 1) -> str:
        known = language if language in PHRASES else "en"
        loop = f' loop="{times}"' if times > 1 else ""
        return (
            f"<Say voice={quoteattr(self.voices[known])} language={quoteattr(PHRASES[known].locale)}{loop}>{ssml}</Say>"
        )

    def after_key(self, language: str, *, is_stopped: bool) -> str:
        """What is said to someone who pressed a key; then the call ends."""
        phrases = PHRASES.get(language, PHRASES["en"])
        words = phrases.stopped if is_stopped else phrases.goodbye
        return f"<Response>{self._say(escape(words), language)}<Hangup/></Response>"
