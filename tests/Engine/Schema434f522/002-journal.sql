-- The tables of Akka.Persistence.Sql (table-mapping = default, tag table), in a schema of their own.

CREATE SCHEMA akka;

CREATE TABLE akka.journal (
    ordering        bigint GENERATED ALWAYS AS IDENTITY,
    created         bigint NOT NULL,
    deleted         boolean NOT NULL,
    persistence_id  text NOT NULL,
    sequence_number bigint NOT NULL,
    message         bytea NOT NULL,
    manifest        text,
    identifier      integer,
    writer_uuid     text,
    CONSTRAINT "PK_journal" PRIMARY KEY (ordering),
    CONSTRAINT journal_uq UNIQUE (persistence_id, sequence_number)
);
CREATE INDEX journal_created_idx ON akka.journal (created);
CREATE INDEX journal_sequence_number_idx ON akka.journal (sequence_number);

CREATE TABLE akka.tags (
    ordering_id     bigint NOT NULL,
    tag             text NOT NULL,
    sequence_nr     bigint NOT NULL,
    persistence_id  text NOT NULL,
    CONSTRAINT "PK_tags" PRIMARY KEY (ordering_id, tag)
);
CREATE INDEX tags_tag_idx ON akka.tags (tag);
CREATE INDEX tags_persistence_id_sequence_nr_idx ON akka.tags (persistence_id, sequence_nr);

CREATE TABLE akka.snapshot (
    persistence_id  text NOT NULL,
    sequence_number bigint NOT NULL,
    created         bigint NOT NULL,
    snapshot        bytea,
    manifest        text,
    serializer_id   integer,
    CONSTRAINT "PK_snapshot" PRIMARY KEY (persistence_id, sequence_number)
);
CREATE INDEX snapshot_created_idx ON akka.snapshot (created);
CREATE INDEX snapshot_sequence_number_idx ON akka.snapshot (sequence_number);
