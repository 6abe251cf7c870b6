"""The record of one subscriber, as staff find it, read it and change it."""
