"""Tests of notify.charts."""
