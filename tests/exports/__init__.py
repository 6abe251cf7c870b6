"""What leaves the house, and what is removed in time."""
