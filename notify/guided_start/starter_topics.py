"""Topics that most councils begin with, to choose from and to change afterwards."""

from collections.abc import Sequence

from notify.subscribers.models import ApprovalRule, NewTopic, TopicPurpose

STARTER_TOPICS: Sequence[NewTopic] = (
    NewTopic(
        slug="emergencies",
        name="Emergencies",
        description="Floods, evacuation, loss of water or power.",
        frequency="Only when it matters, a few times a year.",
        purpose=TopicPurpose.EMERGENCY,
        approval=ApprovalRule.ONE,
    ),
    NewTopic(
        slug="bins",
        name="Bin collections",
        description="Changes to your bin day, and reminders if you choose them.",
        frequency="About twice a month.",
    ),
    NewTopic(
        slug="road-closures",
        name="Road closures",
        description="Planned closures near your places.",
        frequency="About once a week.",
    ),
    NewTopic(
        slug="flood-warnings",
        name="Flood warnings",
        description="Warnings of rivers, the sea and heavy rain near your places.",
        frequency="When there is a warning.",
    ),
    NewTopic(
        slug="planning",
        name="Planning applications",
        description="Applications and decisions near your places.",
        frequency="About once a week.",
    ),
    NewTopic(
        slug="consultations",
        name="Consultations",
        description="When the council asks what you think. A colleague approves each message.",
        frequency="About once a month.",
        approval=ApprovalRule.ONE,
    ),
    NewTopic(
        slug="council-news",
        name="Council news",
        description="News about services and events.",
        frequency="About once a month.",
        approval=ApprovalRule.ONE,
    ),
    NewTopic(
        slug="schools",
        name="School closures",
        description="Schools that close at short notice, such as in snow.",
        frequency="A few times a year.",
    ),
)
