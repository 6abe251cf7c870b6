"""Calls to the council, beside its alerts."""
