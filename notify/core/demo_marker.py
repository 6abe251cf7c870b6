"""What parts the invitation of `notify run` from what is said before it."""

INVITATION = "--- invitation ---"
