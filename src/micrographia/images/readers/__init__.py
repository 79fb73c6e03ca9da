"""One module a file format; each names an object that fits :class:`micrographia.images.reader.Reader`."""
