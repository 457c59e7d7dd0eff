"""Pure decisions: what a message is, where it belongs, what is promised and what happens next."""
