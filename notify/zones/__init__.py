"""Saved zones of a council: named areas that are ready before they are needed, each with its versions."""
