"""Alerts for everybody to read: pages, feeds, posters, and a window in the council's own site."""
