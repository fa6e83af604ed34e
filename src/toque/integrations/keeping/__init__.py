"""IO managers: how the values of assets are kept where others can read them too."""
