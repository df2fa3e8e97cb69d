"""How derivatives come about, and whether one that was worked out by hand is right."""
