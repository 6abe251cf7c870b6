"""Alerts: draft, audience, approval, schedule, cancel."""
