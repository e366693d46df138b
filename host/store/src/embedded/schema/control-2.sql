-- What the version that ran before makes of the configuration; none if it is not called where the active one fails.
ALTER TABLE attachments ADD COLUMN previous_prepared BLOB;
