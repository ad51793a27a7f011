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
}
