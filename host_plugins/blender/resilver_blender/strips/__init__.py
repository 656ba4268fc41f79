"""What lies in the timeline, which frames it shows, and what is written on it."""
