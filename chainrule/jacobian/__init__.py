"""Structured local Jacobians applied to arrays, and the Jacobian as an object."""
