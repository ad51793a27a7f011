-- The last time that this database was restored from a backup, as `orchestrator database restored` numbers it; 0: never.

ALTER TABLE cluster.meta ADD COLUMN restoration bigint NOT NULL DEFAULT 0;
