"""Sign-up, by residents themselves and by staff for them."""
