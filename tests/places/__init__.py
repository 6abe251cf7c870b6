"""Tests of notify.places."""
