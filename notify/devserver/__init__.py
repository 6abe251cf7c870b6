"""Embedded servers and the mail catcher, for development, demonstrations and tests."""
