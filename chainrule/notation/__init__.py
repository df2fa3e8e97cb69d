"""Mathematics as data: read from graphs, simplified, and written in letters."""
