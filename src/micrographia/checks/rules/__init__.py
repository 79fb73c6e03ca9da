"""The built-in rules, a file a subject; a class here is a rule as soon as it is written."""
