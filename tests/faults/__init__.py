"""Faults put into a running installation, counted by an oracle outside it: the SMTP server's own file."""
