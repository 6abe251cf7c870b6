"""The reports of a whole council."""
