"""Teaching a small network the colours of one's own pictures."""
