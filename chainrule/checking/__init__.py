"""Judging a gradient that was worked out by hand: right, or wrong and where it went wrong.

A slip is a backward pass with one step changed. The candidates are made by changing the steps of
the recorded program's own backward pass one at a time, and compared with the numbers given.
"""
