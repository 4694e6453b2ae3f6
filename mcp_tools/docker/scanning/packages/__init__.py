"""One module a package database: which files it is kept in, and how one of them is read."""
