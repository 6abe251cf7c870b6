"""What keeps us from writing to an address, in one place: dry run, send, service messages and receivers ask this."""

# Whether a row of contact `c` is suppressed: by its own council, or by a fact about the address that every council
# shares unless it has lifted that for itself.
IS_SUPPRESSED = """EXISTS (
    SELECT 1 FROM suppression x WHERE x.address_hash = c.address_hash AND x.lifted_at IS NULL
      AND (x.council_id = c.council_id OR x.council_id IS NULL AND NOT c.council_id = ANY(x.lifted_for)))"""
# Whether nobody may write to the address `:address_hash` any more: for messages that no council sends, such as a
# sign-in link. One council that may write is enough.
BY_EVERYBODY = f"""NOT EXISTS (
    SELECT 1 FROM contact c WHERE c.address_hash = :address_hash AND NOT {IS_SUPPRESSED})"""  # noqa: S608 - our own words
