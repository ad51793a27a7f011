-- The newest schema step that a member knows; 0: a member of 0.1.0. Destructive steps wait for the slowest member.

ALTER TABLE cluster.members ADD COLUMN schema_step integer NOT NULL DEFAULT 0;
