"""Programs as native code: what is fused into one loop, how it is written, what runs it."""
