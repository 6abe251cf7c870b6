"""Figures that a council publishes."""
