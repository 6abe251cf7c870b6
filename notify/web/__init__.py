"""Foundations of pages and API: problem details, sessions, security headers."""
