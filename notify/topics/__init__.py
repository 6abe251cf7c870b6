"""Topics as their council keeps them: words, order, groups and rules; ending, merging and splitting them."""
