"""What a council chooses for itself: its look, contacts, sender, languages, times, retention, elections, providers."""
