"""The consent ledger, its order, and what waits for a confirmation."""
