"""`snaphook-py build`: a filter becomes a component. Nothing of this is in the component."""
