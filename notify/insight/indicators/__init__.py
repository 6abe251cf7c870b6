"""Indicators, their targets and how they are rated."""
