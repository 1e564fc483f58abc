-- How the file of an import is read, as its server wrote it (JSON): with it and the file the next process goes on.
ALTER TABLE import_job ADD COLUMN options TEXT DEFAULT NULL;
