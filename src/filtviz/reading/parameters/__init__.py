"""Files that hold parameters and no layers: the arrays with their names, and the layers that they suggest."""
