using System.Globalization;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.ReadModel;

/// <summary>Step 307: the audit log forgets what is told too often and what was deleted, and is found by VM and host.</summary>
internal static class EventSchema
{
    public const int Number = 307;

    public const string Sql = """
        ALTER TABLE events.audit_log
            ADD COLUMN deleted boolean NOT NULL DEFAULT false,
            ADD COLUMN flood text,
            ADD COLUMN flood_until timestamptz;
        CREATE INDEX audit_log_by_flood ON events.audit_log (flood, flood_until) WHERE flood IS NOT NULL;
        CREATE INDEX audit_log_by_vm ON events.audit_log ((line->>'vm')) WHERE line->>'vm' IS NOT NULL;
        CREATE INDEX audit_log_by_host ON events.audit_log ((line->>'host')) WHERE line->>'host' IS NOT NULL;
        CREATE INDEX objects_by_cluster ON read.objects ((doc#>>'{config,cluster}')) WHERE kind IN ('vm', 'host');
        CREATE INDEX jobs_by_correlation ON read.objects ((doc->>'correlation')) WHERE kind = 'job';
        CREATE INDEX jobs_by_start ON read.objects ((doc->>'startedAt'), id) WHERE kind = 'job';
        """;

    /// <summary>Writes lines once each, and not those that were told of the same objects within their code's window.</summary>
    public static string Insert { get; } = $$"""
        WITH windows (code, seconds) AS (VALUES {{string.Join(", ", FloodWindows.Seconds.OrderBy(w => w.Key)
            .Select(w => string.Create(CultureInfo.InvariantCulture, $"({w.Key}, {w.Value})")))}}),
        given AS (
            SELECT k, n, d, d->>'code' AS code, (d->>'at')::timestamptz AS at
            FROM (SELECT k, n, j::jsonb AS d FROM unnest($1, $2, $3) WITH ORDINALITY AS u(k, v, j, n)) AS s),
        timed AS (
            SELECT g.k, g.n, g.d, g.at, coalesce(w.seconds, (g.d->>'floodRate')::int, 0) AS seconds,
                   md5(concat_ws('|', g.code, g.d->>'user', coalesce(g.d->>'vm', ''), coalesce(g.d->>'host', ''), coalesce(g.d->>'cluster', ''),
                       coalesce(g.d->>'dataCenter', ''), coalesce(g.d->>'storageDomain', ''), coalesce(g.d->>'template', ''),
                       coalesce(g.d->>'disk', ''), g.d->>'origin', CASE WHEN g.d->>'origin' IS NOT NULL THEN g.d->>'description' END)) AS same
            FROM given g LEFT JOIN windows w ON w.code::text = g.code),
        turns AS (
            SELECT k, n, d, at, seconds, CASE WHEN seconds > 0 THEN same END AS flood, row_number() OVER (PARTITION BY same ORDER BY n) AS turn
            FROM timed)
        INSERT INTO events.audit_log (key, severity, correlation, line, flood, flood_until)
        SELECT k, CASE d->>'severity' WHEN 'warning' THEN 1 WHEN 'error' THEN 2 WHEN 'alert' THEN 10 ELSE 0 END,
               d->>'correlation', d, flood, CASE WHEN flood IS NOT NULL THEN at + make_interval(secs => seconds) END
        FROM turns t
        WHERE flood IS NULL OR (turn = 1 AND NOT EXISTS (
            SELECT 1 FROM events.audit_log a WHERE a.flood = t.flood AND a.flood_until > t.at AND a.key <> t.k))
        ORDER BY n
        ON CONFLICT (key) DO NOTHING
        """;
}
