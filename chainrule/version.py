"""The version, in one place that everything else may import."""

__version__ = "0.1.0"
