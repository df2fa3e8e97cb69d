"""Transformations of functions: gradients, Jacobians, directional derivatives, vmap, checks."""
