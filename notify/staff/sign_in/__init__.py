"""Sign-in for staff: identity provider, break-glass password, sessions and step-up."""
