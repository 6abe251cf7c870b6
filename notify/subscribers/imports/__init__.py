"""Subscribers from files and from the API, in bulk."""
