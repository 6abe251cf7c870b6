"""Resident notification and alerting for UK councils."""
