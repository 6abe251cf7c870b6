"""What administrators read about a topic's rules."""

from collections.abc import Mapping

from notify.subscribers.models import ApprovalRule, TopicPurpose
from notify.subscribers.topic_models import LegalBasis

PURPOSES: Mapping[TopicPurpose, tuple[str, str]] = {
    TopicPurpose.SERVICE: ("Service", "Facts about a service, such as collections or closures."),
    TopicPurpose.EMERGENCY: ("Emergency", "Only when people or homes are in danger. Never tracked."),
    TopicPurpose.MARKETING: ("News and offers", "Events, campaigns and anything that invites people."),
}
BASES: Mapping[LegalBasis, tuple[str, str]] = {
    LegalBasis.CONSENT: ("Consent", "UK GDPR Article 6(1)(a). People choose the topic and can stop it."),
    LegalBasis.PUBLIC_TASK: ("Public task", "Article 6(1)(e). People still choose the topic and can stop it."),
    LegalBasis.LEGAL_OBLIGATION: ("Legal obligation", "Article 6(1)(c). A law says that you must tell people."),
    LegalBasis.VITAL_INTERESTS: ("Vital interests", "Article 6(1)(d). Only where lives depend on it."),
}
APPROVALS: Mapping[ApprovalRule, tuple[str, str]] = {
    ApprovalRule.NONE: ("No approval", "What an author writes goes out."),
    ApprovalRule.ONE: ("One approval", "Another person agrees first."),
    ApprovalRule.TWO: ("Two approvals", "Two other people agree first."),
}
