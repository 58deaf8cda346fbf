"""The book: all of the course as a site that works from its folder, and as one PDF."""
