"""Whether a click or open is a person or a program, by one request. `event_recorder` compares several.

Mail filters open every link of a message, and mail providers fetch its pictures before or instead of the reader. Lists
of programs are one sign of several, because many filters call themselves a browser.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from crawlerdetect import CrawlerDetect

from notify.tracking.models import CANARY, Device, HitKind, Verdict

FIRST_SECONDS = timedelta(seconds=5)  # nobody reads a message within so many of its send
LONGEST_AGENT = 500

# what fetches pictures for mail readers. Google's and Yahoo's fetch when the reader opens, mostly; Apple's always
_PROXIES = ("GoogleImageProxy", "YahooMailProxy", "ggpht.com")
_APPLES = "Mozilla/5.0"
_TABLETS = ("iPad", "Tablet", "Kindle", "Silk/")
_PHONES = ("iPhone", "iPod", "Mobile", "Windows Phone")
_COMPUTERS = ("Windows NT", "Macintosh", "X11", "CrOS")

_programs = CrawlerDetect()


@dataclass(frozen=True, slots=True)
class Agent:
    """What the name that a program gives itself tells: a kind of device, and a reason to doubt that someone reads."""

    device: Device
    discrepancy: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict and what it stands on."""

    verdict: Verdict
    reason: str


@lru_cache(maxsize=10_000)
def read_agent(name: str) -> Agent:
    """What is known of a program by the name it gives itself."""
    name = name[:LONGEST_AGENT]
    if any(proxy in name for proxy in _PROXIES):
        return Agent(Device.MAIL_PROXY, "mail proxy")
    if name == _APPLES:
        return Agent(Device.MAIL_PROXY, "apple privacy")
    if not name.strip():
        return Agent(Device.UNKNOWN, "no name")
    if _programs.is_crawler(name):
        return Agent(Device.PROGRAM, "known program")
    return Agent(_device(name)) if name.startswith(("Mozilla/", "Opera/")) else Agent(Device.PROGRAM, "no browser")


def _device(name: str) -> Device:
    is_android_tablet = "Android" in name and "Mobile" not in name
    if is_android_tablet or any(word in name for word in _TABLETS):
        return Device.TABLET
    if any(word in name for word in _PHONES):
        return Device.PHONE
    return Device.COMPUTER if any(word in name for word in _COMPUTERS) else Device.UNKNOWN


def opinion(kind: HitKind, link: int, agent: Agent, at: datetime, sent_at: datetime | None) -> Opinion:
    """What one hit tells by itself. `sent_at` is the message's, or when its alert began to go out."""
    if link == CANARY:
        return Opinion(Verdict.MACHINE, "hidden link")
    if agent.discrepancy == "mail proxy":
        return Opinion(Verdict.UNKNOWN, agent.discrepancy)
    if agent.discrepancy:
        return Opinion(Verdict.MACHINE, agent.discrepancy)
    if sent_at is not None and at - sent_at < FIRST_SECONDS:
        return Opinion(Verdict.MACHINE, "first seconds")
    if agent.device == Device.UNKNOWN:
        return Opinion(Verdict.UNKNOWN, "")
    # a picture is fetched by the mail program, whoever looks at it
    return Opinion(Verdict.HUMAN, "") if kind == HitKind.CLICKED else Opinion(Verdict.UNKNOWN, "")
