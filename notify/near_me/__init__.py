"""What is live at a place, of every council that serves it, and the home page that asks for the place."""
