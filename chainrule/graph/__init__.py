"""The program as data: immutable nodes, walks over them, printing, a checker."""
