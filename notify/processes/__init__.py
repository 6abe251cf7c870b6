"""The processes of an installation, and the supervisor that keeps them running."""
