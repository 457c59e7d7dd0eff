"""Own messages of every kind, in two heaps: those that the rules were mended on, and those written after."""
