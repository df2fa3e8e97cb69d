"""Derivatives by ways that know no rule: differences of values, and complex steps."""
