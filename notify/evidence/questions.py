"""The questions of two information requests about communication with residents, in both numberings.

CA440 is the request that a combined authority answered in July 2025; Dover answered a shorter set under numbers of its
own, so that the same number means two things. Each question has one name here, CA440's, and its alias at Dover's. The
words are ours: they say what is asked about this platform.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

SECTIONS: Mapping[str, str] = {
    "1": "Communication with residents and digital notifications",
    "2": "Calls and support of residents",
    "3": "Website",
    "4": "Polls and engagement",
    "5": "Waste and recycling",
    "6": "Reports of residents",
    "7": "Councillors' communication",
    "8": "Technical infrastructure",
}


class Numbering(StrEnum):
    """Whose numbers a pack is ordered by."""

    CA440 = "ca440"
    DOVER = "dover"


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its number in CA440, what is asked, and its number at Dover's, if it was asked there."""

    number: str
    asked: str
    dover: str = ""

    @property
    def section(self) -> str:
        """The number of its section."""
        return self.number.partition(".")[0]


QUESTIONS: Sequence[Question] = (
    Question("1.1", "Which tools send digital messages to residents?"),
    Question("1.2", "Are they run in-house or by third parties, and by which?"),
    Question(
        "1.3", "Are residents segmented for targeting (postcode, ward, vulnerability, service), by kind of message?"
    ),
    Question("1.4", "How do urgent and emergency messages reach residents?", "1.1"),
    Question("1.5", "Are alerts sent in several languages, and in which?", "1.2"),
    Question("1.6", "Are alerts accessible to people with disabilities?"),
    Question("1.7", "How often does each service area send messages?"),
    Question("1.8", "Which back-end system integrates and tracks messages?"),
    Question("1.9", "What was spent on communications?", "1.3"),
    Question("1.10", "Can residents choose topics, which are there, and which are chosen most?"),
    Question("1.11", "Which analytics are there (opens, clicks, engagement)?", "1.4"),
    Question("1.12", "Which difficulties in reaching and engaging residents are known?"),
    Question("1.13", "Is adoption tracked after something was promoted?"),
    Question("1.14", "How does the council communicate in emergencies?", "1.5"),
    Question("1.15", "Is communication in a crisis targeted by place?", "1.6"),
    Question("1.16", "How is the effectiveness of crisis communication assessed?"),
    Question("1.17", "Which kinds of crisis are communicated most?"),
    Question("1.18", "Which difficulties in reaching residents quickly were found?"),
    Question("1.19", "How many enquiries come during a typical crisis?"),
    Question("1.20", "What does an inbound call cost?", "1.7"),
    Question("1.21", "Were the cost and the effort of crisis communication evaluated?"),
    Question("1.22", "What is the budget for emergency communication?", "1.8"),
    Question("1.23", "Were there problems through delays or gaps in emergency communication in three years?"),
    Question("1.24", "Which third-party tools send emergency alerts?", "1.9"),
    Question("1.25", "Are alerts integrated into the website or mobile tools?"),
    Question("1.26", "Is there, or is there planned, a dedicated emergency notification system?", "1.10"),
    Question("1.27", "Is there a system for notifications by ward or postcode?", "1.11"),
    Question("1.28", "Can the reach of emergency communication be measured?", "1.12"),
    Question("1.29", "Is engagement broken down by demographics?", "1.13"),
    Question("1.30", "Which engagement with digital services is tracked?"),
    Question("1.31", "Which metrics judge digital campaigns?"),
    Question("1.32", "How often are residents' interactions reviewed?"),
    Question("1.33", "Are there reports on engagement, and how often?"),
    Question("1.34", "Which difficulties are there in measuring the return on investment?"),
    Question("1.35", "Where did usage data change a service?"),
    Question("1.36", "What is spent on engagement tools and analytics?", "1.14"),
    Question("1.37", "Which personal data is held about residents, and where?"),
    Question("1.38", "Which service levels apply to the timing of emergency notifications?"),
    Question("1.39", "How are statutory notices managed, and with which tools?", "1.15"),
    Question("1.40", "What is the budget for statutory notices?", "1.16"),
    Question("1.41", "How many statutory notices are issued a year?", "1.17"),
    Question("2.2", "How many calls come in by month, quarter and year?", "2.2"),
    Question("2.3", "How do calls break down by topic?", "2.3"),
    Question("3.8", "Are accessibility standards tracked and enforced?"),
    Question("5.8", "Are printed bin calendars sent, and what do they cost a year?", "5.6"),
    Question("5.9", "How are changes of bin collections communicated?", "5.7"),
    Question("5.10", "What does telling residents about bin changes cost?", "5.8"),
    Question("5.11", "Is there a database of bin schedules?", "5.9"),
    Question("5.12", "Can other systems integrate with it, by an open API?", "5.10"),
    Question("5.13", "Who manages this service in the council?", "5.11"),
    Question("5.14", "Who forms collection schedules, the council or the service provider?"),
    Question("5.15", "Who manages content about waste collection, such as a look-up of days?"),
    Question("5.16", "Are times of pickup agreed with suppliers, and how are they enforced?"),
    Question("5.17", "Is there real-time information about collections?"),
    Question("5.18", "How are changes of collection schedules managed?"),
    Question("5.19", "How often are collection schedules changed?", "5.12"),
    Question("5.20", "How far ahead are collection schedules planned?"),
    Question("5.21", "Is there an app to look up bin days and stay informed?", "5.13"),
    Question("5.22", "If there is an app, who built it?", "5.14"),
    Question("5.23", "If there is an app, what did it cost to develop and to maintain?", "5.15"),
    Question("6.8", "Can the tools be embedded in the website and used on mobile devices?"),
    Question("7.3", "May councillors publish updates on behalf of the council?"),
    Question("7.4", "Is communication monitored for neutrality?", "7.2"),
    Question("7.9", "Is there an approval process for what is published?", "7.5"),
    Question("7.16", "Is what was published archived for audit and FOI?", "7.8"),
    Question("7.18", "Is there a digital workflow of approval?"),
    Question("8.4", "Are residents segmented dynamically by geography or service use?", "8.2"),
    Question("8.5", "Are open data standards and APIs supported, and how are they accessed?"),
    Question("8.6", "Are there public dashboards of service performance?"),
    Question("8.7", "Which tools measure the use of online services?"),
    Question("8.8", "Are exports and scheduled reports automated?"),
    Question("8.9", "Which frameworks keep stored and exported data in line with the GDPR?"),
    Question("8.10", "Where is the infrastructure hosted?"),
    Question("8.11", "Was it penetration-tested?"),
    Question("8.12", "Was it load-tested?"),
    Question("8.13", "Are external users rate-limited?"),
    Question("8.14", "How are authentication and authorisation managed?"),
)


def ordered(numbering: Numbering) -> Sequence[tuple[str, Question]]:
    """Every question with its number, in the order of this numbering; what Dover was not asked comes last, unnumbered."""
    if numbering == Numbering.CA440:
        return [(question.number, question) for question in QUESTIONS]
    asked = sorted((question for question in QUESTIONS if question.dover), key=lambda one: _place(one.dover))
    rest = [question for question in QUESTIONS if not question.dover]
    return [*((question.dover, question) for question in asked), *(("", question) for question in rest)]


def _place(number: str) -> tuple[int, int]:
    section, _, place = number.partition(".")
    return int(section), int(place)
