"""The officer's desk: from a topic to an alert that somebody else can approve."""
