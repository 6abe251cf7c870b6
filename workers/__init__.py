"""Processes that do the work: broker, actors, scheduler."""
