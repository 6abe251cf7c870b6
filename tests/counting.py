"""How many people an alert would reach, exactly: pages and the API tell rounded numbers."""

from notify.alerts.models import DryRun
from notify.alerts.queries import AudienceCount, count_audience
from notify.core.db import transaction
from tests.world import World


def exactly(council: World, **asked: object) -> AudienceCount:
    """The count of the send's own query for this council."""
    with transaction() as session:
        return count_audience(session, council.planner, DryRun.model_validate(asked))
