"""Webhooks to other systems."""
