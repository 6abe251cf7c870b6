"""Places that a new release could not put into a ward."""
