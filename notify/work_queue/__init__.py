"""What waits for a user of the council: to approve, scheduled, live, failed, drafts of the team, recently sent."""
