namespace Orchestrator.Api.ReadModel;

/// <summary>Tables of the read model, the audit log, names and secrets, and how rows that come with events are written.</summary>
public static class ReadSchema
{
    public static IReadOnlyList<(int Number, string Name, string Sql)> Migrations { get; } =
    [
        (100, "read model, audit log, names", """
            CREATE SCHEMA IF NOT EXISTS read;
            CREATE TABLE read.objects (
                kind text NOT NULL,
                id uuid NOT NULL,
                name text NOT NULL,
                version bigint NOT NULL,
                doc jsonb NOT NULL,
                PRIMARY KEY (kind, id));
            CREATE INDEX objects_by_name ON read.objects (kind, name) WHERE kind <> 'job';
            CREATE INDEX vms_by_host ON read.objects ((doc->>'host')) WHERE kind = 'vm' AND doc->>'host' IS NOT NULL;
            CREATE INDEX vms_by_destination ON read.objects ((doc->>'destination'))
                WHERE kind = 'vm' AND doc->>'destination' IS NOT NULL;
            CREATE TABLE read.names (
                kind text NOT NULL,
                scope text NOT NULL,
                name text NOT NULL,
                id uuid NOT NULL,
                claimed_at timestamptz NOT NULL,
                PRIMARY KEY (kind, scope, name));
            CREATE SCHEMA IF NOT EXISTS events;
            CREATE TABLE events.audit_log (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                key text NOT NULL UNIQUE,
                severity integer NOT NULL,
                correlation text,
                line jsonb NOT NULL);
            CREATE INDEX audit_log_by_correlation ON events.audit_log (correlation) WHERE correlation IS NOT NULL;
            CREATE SCHEMA IF NOT EXISTS secret;
            CREATE TABLE secret.secrets (name text PRIMARY KEY, sealed bytea NOT NULL);
            """),
        // Written every few seconds and never missed: no log, room on each page, and vacuumed early.
        (304, "what was seen of hosts and guests", """
            CREATE UNLOGGED TABLE read.observed (
                kind text NOT NULL,
                id uuid NOT NULL,
                lease bigint NOT NULL,
                at timestamptz NOT NULL,
                doc jsonb NOT NULL,
                PRIMARY KEY (kind, id))
                WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
            """),
        (305, "tokens that let hosts in", """
            CREATE TABLE secret.host_tokens (
                id text PRIMARY KEY,
                hash bytea NOT NULL,
                cluster uuid NOT NULL,
                host uuid,
                known boolean NOT NULL,
                made_by text NOT NULL,
                until timestamptz NOT NULL,
                holder bytea);
            """),
        (EventSchema.Number, "events that are deleted or told too often, and what lists are found by", EventSchema.Sql),
    ];

    /// <summary>Statements by kind of row; $1 text[] keys, $2 bigint[] versions, $3 text[] json.</summary>
    public static IReadOnlyList<(string Kind, string Statement)> Companions { get; } =
    [
        ("object", """
            INSERT INTO read.objects AS r (kind, id, name, version, doc)
            SELECT split_part(k, '/', 1), split_part(k, '/', 2)::uuid,
                   coalesce(d #>> '{config,name}', ''), v, d
            FROM (SELECT k, v, j::jsonb AS d FROM unnest($1, $2, $3) AS u(k, v, j)) AS s
            ON CONFLICT (kind, id) DO UPDATE
            SET name = excluded.name, version = excluded.version, doc = excluded.doc
            WHERE r.version < excluded.version
            """),
        ("gone", """
            WITH gone AS (
                SELECT split_part(k, '/', 1) AS kind, split_part(k, '/', 2)::uuid AS id, v
                FROM unnest($1, $2, $3) AS u(k, v, j)),
            names AS (DELETE FROM read.names n USING gone g WHERE n.kind = g.kind AND n.id = g.id)
            DELETE FROM read.objects r USING gone g WHERE r.kind = g.kind AND r.id = g.id AND r.version < g.v
            """),
        ("audit", EventSchema.Insert),
    ];
}
