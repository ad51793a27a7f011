using Npgsql;
using Orchestrator.Api.Access;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Api.Sso;

/// <summary>Users in sso.users. Throws <see cref="NpgsqlException"/> when the database is away.</summary>
public sealed class PostgresUsers(PrimarySource database) : IUsers
{
    public async Task<Identity?> Verify(string name, string password, CancellationToken cancel)
    {
        await using var query = database().CreateCommand(
            "SELECT id, password_hash, is_admin FROM sso.users WHERE name = $1 AND enabled");
        query.Parameters.AddWithValue(name);
        Identity? user = null;
        var hash = PasswordHash.Nobody;
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            if (await row.ReadAsync(cancel))
            {
                user = new Identity(row.GetGuid(0), name, row.GetBoolean(2));
                hash = row.GetString(1);
            }
        }

        var right = await Task.Run(() => PasswordHash.Verify(hash, password), cancel);
        return right ? user : null;
    }

    public async Task SetPassword(string name, string password, bool isAdmin, CancellationToken cancel)
    {
        // Who was made an administrator otherwise stays one.
        await using var command = database().CreateCommand("""
            WITH account AS (
                INSERT INTO sso.users AS u (id, name, password_hash, is_admin, profile) VALUES ($1, $2, $3, $4, 'internal')
                ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, is_admin = u.is_admin OR excluded.is_admin,
                    failures = 0, locked_until = NULL
                RETURNING id)
            INSERT INTO sso.permissions (id, role, holder, holder_is_group, object_kind, object_id)
            SELECT gen_random_uuid(), $5, account.id, false, 'system', $6 FROM account WHERE $4
            ON CONFLICT (role, holder, object_kind, object_id) DO NOTHING
            """);
        command.Parameters.AddWithValue(Guid.NewGuid());
        command.Parameters.AddWithValue(name);
        command.Parameters.AddWithValue(PasswordHash.Make(password));
        command.Parameters.AddWithValue(isAdmin);
        command.Parameters.AddWithValue(PredefinedRoles.SuperUser.Id);
        command.Parameters.AddWithValue(ObjectRef.System.Id);
        await command.ExecuteNonQueryAsync(cancel);
    }

    public async Task<IReadOnlyList<Identity>> List(CancellationToken cancel)
    {
        await using var query = database().CreateCommand("SELECT id, name, is_admin FROM sso.users ORDER BY name");
        await using var row = await query.ExecuteReaderAsync(cancel);
        var users = new List<Identity>();
        while (await row.ReadAsync(cancel))
            users.Add(new Identity(row.GetGuid(0), row.GetString(1), row.GetBoolean(2)));
        return users;
    }
}
