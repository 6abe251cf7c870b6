"""Writes down what this process counted, for `/metrics`."""

from notify import meters


def write() -> None:
    """Add this process's counts to the table `meter`."""
    meters.take()
