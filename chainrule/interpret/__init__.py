"""Running a graph with NumPy: the reference for every other way of running it."""
