"""The printed half of the documentation: reference pages, outputs of examples, the gallery."""
