-- One row for each server that was the primary, from the first time that an engine met it; replicated with all else.
-- Who remembers the newest row knows a former primary by its absence.

CREATE TABLE cluster.terms (
    term        bigint PRIMARY KEY,
    token       uuid NOT NULL UNIQUE,
    system_id   bigint NOT NULL,
    timeline    integer NOT NULL,
    -- On the clock of that server. Leases that were given before it count from here.
    since       timestamptz NOT NULL DEFAULT clock_timestamp()
);
