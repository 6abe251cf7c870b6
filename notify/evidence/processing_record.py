"""The record of processing: which personal data is held, on what ground, how long, and who else handles it."""

from uuid import UUID

from sqlmodel import Session, col, select

from notify.channels import Channel, label
from notify.evidence.report import Report, Section
from notify.exports.dictionary import dictionary
from notify.exports.dictionary_terms import About
from notify.staff.council_settings.effective import CouncilSettings, council_settings
from notify.subscribers.models import Topic
from notify.subscribers.topic_models import LegalBasis

GROUNDS = {
    LegalBasis.CONSENT: "consent (UK GDPR Article 6(1)(a)), kept in the consent ledger",
    LegalBasis.PUBLIC_TASK: "public task (UK GDPR Article 6(1)(e)); followed by choice",
    LegalBasis.LEGAL_OBLIGATION: "legal obligation (UK GDPR Article 6(1)(c)); followed by choice",
    LegalBasis.VITAL_INTERESTS: "vital interests (UK GDPR Article 6(1)(d)); followed by choice",
}
WORDS = {About.RESIDENT: "residents, by name or address", About.PSEUDONYM: "residents, by ids", About.STAFF: "officers"}


def inventory(session: Session, council_id: UUID) -> Report:
    """What a council tells in its record of processing activities (UK GDPR Article 30) about this platform."""
    topics = session.exec(
        select(Topic).where(Topic.council_id == council_id, col(Topic.closed_at).is_(None)).order_by(col(Topic.name))
    )
    purposes = [[topic.name, topic.purpose.value, GROUNDS[topic.legal_basis]] for topic in topics]
    tables = [
        [
            table.name,
            WORDS[table.about],
            ", ".join(column.name for column in table.columns if column.about != About.NOBODY),
            table.keeping,
        ]
        for table in dictionary()
        if table.about != About.NOBODY
    ]
    own = council_settings(session, council_id)
    handlers = [
        [label(channel), _providers(own, channel), _providers(own, channel, emergency=True)] for channel in Channel
    ]
    return Report(
        title="Personal data that is held",
        intro="Made from the platform's own tables and settings. It holds no special categories of data, and no addresses "
        f"but postcodes. Who got which message is removed {own.retention_days} days after an alert's last activity.",
        sections=[
            Section("Why: topics and their grounds", "", ("Topic", "Purpose", "Ground"), purposes),
            Section(
                "Who handles it for the council",
                "As set; each needs a contract.",
                ("Way", "Providers", "In emergencies"),
                handlers,
            ),
            Section("What is held where", "", ("Table", "About", "Columns", "Kept"), tables),
            Section(
                "What people can do",
                "Residents see, correct, take away and erase what is held at /my, without a password, and leave by a link in "
                "each e-mail, as each text says, or by answering STOP.",
            ),
        ],
    )


def _providers(own: CouncilSettings, channel: Channel, *, emergency: bool = False) -> str:
    """Who carries a channel's messages, by the very setting that the sending reads."""
    return ", ".join(choice.name for choice in own.providers_for(channel, emergency=emergency)) or "nobody"
