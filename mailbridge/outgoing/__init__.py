"""Ways out: notices rendered from templates, and the relay client that hands them over."""
