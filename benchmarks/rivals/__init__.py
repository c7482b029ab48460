"""The same work without genctl, as a competent user would write it; each module has a function `measure`."""
