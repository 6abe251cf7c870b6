"""Foundations: settings, errors, the database, the queue, templates and typed text."""
