"""The way in from Python: which arguments a program is for, and how it is called."""
