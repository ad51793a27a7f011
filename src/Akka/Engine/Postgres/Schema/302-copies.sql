-- oldest reader: 301
-- Snapshots may be written from here on. Entities of 0.1.0 take a snapshot for the beginning of time and forget what
-- came before it: so none is written while one of them is a member, and none of them may come back afterwards.

COMMENT ON TABLE akka.snapshot IS 'Copies of states, good for the build that wrote them. Engine 0.1.0 cannot read them.';
