"""Text messages from residents."""
