"""The instructions: LLVM's language, loops, products, functions."""
