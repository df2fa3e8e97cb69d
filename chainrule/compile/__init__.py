"""Graphs as native code: LLVM IR as text, machine code, vectorised functions."""
