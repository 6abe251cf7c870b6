"""Adapters to the services that carry messages, behind one small protocol."""
