"""What napari shows and saves: datasets, images, labels, marks; announced by ``napari.yaml``.

napari is not needed to use it: readers return plain tuples of data, options and kind of layer.
"""
