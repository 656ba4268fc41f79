"""What the user has set in panels and preferences, and the order that it makes."""
