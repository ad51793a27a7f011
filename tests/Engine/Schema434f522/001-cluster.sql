-- Members, shard ownership and what a shard wakes. meta, migrations and the schema itself are made before this runs.

CREATE SEQUENCE cluster.lock_number AS integer CYCLE;

CREATE TABLE cluster.members (
    node_id       uuid PRIMARY KEY,
    host          text NOT NULL,
    port          integer NOT NULL,
    roles         text[] NOT NULL,
    app_version   text NOT NULL,
    status        text NOT NULL CHECK (status IN ('Up', 'Leaving')),
    shard_types   text[] NOT NULL,
    joined_at     timestamptz NOT NULL,
    lease_until   timestamptz NOT NULL,
    -- The session lock proves life only on the server where it was taken: a restart or a standby does not know it.
    lock_number   integer NOT NULL UNIQUE,
    lock_server   timestamptz NOT NULL,
    UNIQUE (host, port)
) WITH (fillfactor = 50);

CREATE TABLE cluster.shards (
    shard_type    text NOT NULL,
    shard         text NOT NULL,
    owner         uuid,
    epoch         bigint NOT NULL,
    next          uuid,
    changed       bigint NOT NULL,
    PRIMARY KEY (shard_type, shard)
) WITH (fillfactor = 70);

CREATE TABLE cluster.remembered (
    shard_type    text NOT NULL,
    shard         text NOT NULL,
    entity_id     text NOT NULL,
    PRIMARY KEY (shard_type, shard, entity_id)
);

-- Undoes the whole transaction and tells the writer, digit by digit, which of its batches could not be written.
CREATE FUNCTION cluster.refuse(outcomes text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'some batches cannot be written' USING ERRCODE = 'OR001', DETAIL = outcomes;
END $$;
