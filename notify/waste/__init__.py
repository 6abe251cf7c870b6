"""Collection days: rounds, homes, reminders, and what changes on the day."""
