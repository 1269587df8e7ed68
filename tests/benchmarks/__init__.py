"""Benchmarks: what Colloquy costs, in CPU seconds and as ratios measured in one run (`make bench`)."""
