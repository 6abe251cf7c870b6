"""Drafts: from a topic to an alert that a second person can approve."""
