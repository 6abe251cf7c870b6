"""Incidents: which alerts belong together, when an incident begins and when it ends."""
