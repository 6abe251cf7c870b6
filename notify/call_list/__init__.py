"""Calling and visiting people in an emergency: what was found at each of them, and who of them is at risk."""
