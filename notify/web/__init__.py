"""Foundations of the web doors: problem details, sessions, security headers."""
