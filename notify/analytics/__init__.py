"""Figures about alerts, read from the ledger and its events."""
