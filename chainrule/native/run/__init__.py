"""Machine code at work: compiled, kept, shared out among threads."""
