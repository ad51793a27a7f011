namespace Orchestrator.Api.Sso;

/// <summary>Tables of the SSO, as numbered steps; composition runs those that the database has not had.</summary>
public static class SsoSchema
{
    public static IReadOnlyList<(int Number, string Sql)> Migrations { get; } =
    [
        (1, """
            CREATE SCHEMA IF NOT EXISTS sso;
            CREATE TABLE sso.users (
                id uuid PRIMARY KEY,
                name text NOT NULL UNIQUE,
                password_hash text NOT NULL,
                is_admin boolean NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now());
            CREATE TABLE sso.revocations (
                token uuid PRIMARY KEY,
                expires_at timestamptz NOT NULL);
            CREATE INDEX revocations_expires_at ON sso.revocations (expires_at);
            """),
    ];
}
