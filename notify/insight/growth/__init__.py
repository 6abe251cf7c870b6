"""Subscribers who joined and left, reach by ward, and message fatigue."""
