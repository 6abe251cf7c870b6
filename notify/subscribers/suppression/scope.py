"""What keeps us from writing to an address, in one place: dry run, send, service messages and receivers ask this."""

from typing import Final

# A suppression `x` of the row of contact `c`: by its own council, or a fact about the address that every council shares
# unless it has lifted that for itself.
_IN_FORCE = """SELECT 1 FROM suppression x WHERE x.address_hash = c.address_hash AND x.lifted_at IS NULL
      AND (x.council_id = c.council_id OR x.council_id IS NULL AND NOT c.council_id = ANY(x.lifted_for))"""
# What an emergency tries all the same, because it may have changed meanwhile: soft bounces, and a hard one that is
# older than `:bounce_retry_days` (0: never). What a person, their provider or staff said is never passed over.
_PASSES = """x.council_id IS NULL AND (x.reason = 'soft-bounces'
      OR x.reason = 'hard-bounce' AND :bounce_retry_days > 0
         AND x.at < business_now() - make_interval(days => :bounce_retry_days))"""
# What keeps the service's own answer to a person from an address: everything but bounces. Whoever signs up again says
# that the address works, and the answer shows it.
_SAID = "x.reason NOT IN ('hard-bounce', 'soft-bounces')"

IS_SUPPRESSED: Final = f"EXISTS ({_IN_FORCE})"
IS_SUPPRESSED_IN_EMERGENCY: Final = f"EXISTS ({_IN_FORCE} AND NOT ({_PASSES}))"
# The same for an alert `a` of whatever priority.
IS_SUPPRESSED_FOR_ALERT: Final = f"EXISTS ({_IN_FORCE} AND NOT (a.priority = 'emergency' AND {_PASSES}))"
IS_SILENCED: Final = f"EXISTS ({_IN_FORCE} AND {_SAID})"
# Whether nobody may write to the address `:address_hash` any more: for messages that no council sends, such as a
# sign-in link. One council that may write is enough.
BY_EVERYBODY: Final = f"""NOT EXISTS (
    SELECT 1 FROM contact c WHERE c.address_hash = :address_hash AND NOT {IS_SUPPRESSED})"""  # noqa: S608 - our own words
SILENCED_BY_EVERYBODY: Final = f"""NOT EXISTS (
    SELECT 1 FROM contact c WHERE c.address_hash = :address_hash AND NOT {IS_SILENCED})"""  # noqa: S608 - our own words
