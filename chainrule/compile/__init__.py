"""Programs as native code: what is fused into one loop, how loops are written, and what runs them."""
