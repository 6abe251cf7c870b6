"""The incident desk: one page for everything about one emergency, notes, handovers and the debrief."""
