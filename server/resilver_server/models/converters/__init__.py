"""From published weights to our state dicts. Runs at install time only."""
