"""Bounces and complaints that arrive by email."""
