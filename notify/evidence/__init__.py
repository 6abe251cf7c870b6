"""Evidence: answers to freedom-of-information requests and reports, from what the platform recorded itself."""
