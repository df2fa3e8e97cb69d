"""Derivations: how a derivative came about, with names, shapes, rules and numbers."""
