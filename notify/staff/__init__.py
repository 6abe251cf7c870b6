"""Councils, officers, API keys and the audit trail."""
