"""Addresses that are not written to, bounces, and how a suppression ends."""
