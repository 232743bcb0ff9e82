"""The networks of this field, in our own words, with the parameter names of those that people have trained."""
