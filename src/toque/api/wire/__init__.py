"""The wire types: all that the API takes and answers. The types of the UI and of the Python client derive from them."""
