"""Resident notification and alerting for UK councils."""

__version__ = "0.1.0"
