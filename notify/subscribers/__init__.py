"""Residents: topics, contacts, places, subscriptions, consent, suppression."""
