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
        // Everybody has what everybody has on a fresh oVirt; who was an administrator is SuperUser.
        (106, """
            ALTER TABLE sso.users
                ADD COLUMN profile text NOT NULL DEFAULT 'internal',
                ADD COLUMN external_id text NOT NULL DEFAULT '',
                ADD COLUMN external_groups text[] NOT NULL DEFAULT '{}',
                ADD COLUMN first_name text NOT NULL DEFAULT '',
                ADD COLUMN last_name text NOT NULL DEFAULT '',
                ADD COLUMN email text NOT NULL DEFAULT '',
                ADD COLUMN department text NOT NULL DEFAULT '',
                ADD COLUMN enabled boolean NOT NULL DEFAULT true,
                ADD COLUMN failures integer NOT NULL DEFAULT 0,
                ADD COLUMN locked_until timestamptz;
            CREATE TABLE sso.groups (
                id uuid PRIMARY KEY,
                name text NOT NULL,
                profile text NOT NULL,
                external_id text NOT NULL,
                UNIQUE (profile, external_id));
            CREATE TABLE sso.roles (
                id uuid PRIMARY KEY,
                name text NOT NULL UNIQUE,
                description text NOT NULL,
                administrative boolean NOT NULL,
                permits integer[] NOT NULL);
            CREATE TABLE sso.permissions (
                id uuid PRIMARY KEY,
                role uuid NOT NULL,
                holder uuid NOT NULL,
                holder_is_group boolean NOT NULL,
                object_kind text NOT NULL,
                object_id uuid NOT NULL,
                given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                UNIQUE (role, holder, object_kind, object_id));
            CREATE INDEX permissions_by_holder ON sso.permissions (holder);
            CREATE INDEX permissions_by_object ON sso.permissions (object_kind, object_id);
            CREATE TABLE sso.ssh_keys (
                id uuid PRIMARY KEY,
                account uuid NOT NULL REFERENCES sso.users ON DELETE CASCADE,
                content text NOT NULL);
            CREATE INDEX ssh_keys_by_account ON sso.ssh_keys (account);
            INSERT INTO sso.groups VALUES ('eee00000-0000-0000-0000-123456789eee', 'Everyone', '', '');
            INSERT INTO sso.permissions (id, role, holder, holder_is_group, object_kind, object_id)
                SELECT gen_random_uuid(), role::uuid, 'eee00000-0000-0000-0000-123456789eee', true, kind, id::uuid FROM (VALUES
                    ('def00009-0000-0000-0000-def000000009', 'template', '00000000-0000-0000-0000-000000000000'),
                    ('def0000a-0000-0000-0000-def000000010', 'vnicprofile', '0000000a-000a-000a-000a-000000000398'),
                    ('def00017-0000-0000-0000-def000000017', 'cpuprofile', '58ca604e-01a7-003f-01de-000000000250'),
                    ('def00014-0000-0000-0000-def000000014', 'macpool', '58ca604b-017d-0374-0220-00000000014e'),
                    ('def00021-0000-0000-0000-def000000015', 'system', 'aaa00000-0000-0000-0000-123456789aaa')) AS v (role, kind, id);
            INSERT INTO sso.permissions (id, role, holder, holder_is_group, object_kind, object_id)
                SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000001', u.id, false, 'system', 'aaa00000-0000-0000-0000-123456789aaa'
                FROM sso.users u WHERE u.is_admin;
            """),
    ];

    public static string NameOf(int number) => number == 1 ? "users and revoked tokens" : "groups, roles, permissions";
}
