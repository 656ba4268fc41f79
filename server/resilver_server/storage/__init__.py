"""The database and the content store: the only truth about jobs. Rows and files; what they mean is scheduling's."""
