"""What is to be computed, and in which order: loops, products, stages."""
