"""The contract checked from outside: only the command, its files, its output and its exit codes."""
