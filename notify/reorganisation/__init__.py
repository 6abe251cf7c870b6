"""Councils that merge, are renamed or cover other districts: one step through every feature."""
