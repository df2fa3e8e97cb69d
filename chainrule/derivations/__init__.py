"""How a derivative came about: its steps, their checks, and their pictures."""
