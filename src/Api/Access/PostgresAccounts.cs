using Npgsql;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Api.Access;

/// <summary>Accounts, groups and public keys in the schema sso.</summary>
public sealed class PostgresAccounts(PrimarySource database, Patience patience) : IAccounts
{
    private const string Columns = "id, name, enabled, first_name, last_name, email, department, external_id, locked_until";

    public Task<IReadOnlyList<Account>> Accounts(CancellationToken cancel) =>
        List($"SELECT {Columns} FROM sso.users ORDER BY name", ReadAccount, cancel);

    public async Task<Account?> Account(Guid id, CancellationToken cancel) =>
        (await List($"SELECT {Columns} FROM sso.users WHERE id = $1", ReadAccount, cancel, id)) is [var account] ? account : null;

    public async Task<Account> Remember(Account account, IReadOnlyCollection<string>? groups, CancellationToken cancel) =>
        (await List($"""
            INSERT INTO sso.users AS u (id, name, password_hash, is_admin, profile, first_name, last_name, email, department, external_id, external_groups)
            VALUES ($1, $2, '', false, $3, $4, $5, $6, $7, $8, coalesce($9, ARRAY[]::text[]))
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
                department = excluded.department, external_id = excluded.external_id, external_groups = coalesce($9, u.external_groups)
            RETURNING {Columns}
            """, ReadAccount, cancel, account.Id, account.Name, account.Profile, account.FirstName, account.LastName, account.Email,
            account.Department, account.ExternalId, new NpgsqlParameter<string[]?> { TypedValue = groups?.ToArray() }))[0];

    public Task<Removal> SetEnabled(Guid id, bool enabled, CancellationToken cancel) => KeepingASuperUser(
        $"UPDATE sso.users SET enabled = {(enabled ? "true" : "false")}, locked_until = NULL, failures = 0 WHERE id = $1", id, cancel);

    public Task<Removal> RemoveAccount(Guid id, CancellationToken cancel) => KeepingASuperUser("""
        WITH permissions AS (DELETE FROM sso.permissions WHERE holder = $1)
        DELETE FROM sso.users WHERE id = $1
        """, id, cancel);

    public async Task<TimeSpan?> LockedFor(string name, CancellationToken cancel) =>
        (await List("SELECT locked_until - clock_timestamp() FROM sso.users WHERE name = $1 AND locked_until > clock_timestamp()",
            row => row.GetTimeSpan(0), cancel, name)) is [var left] ? left : null;

    public Task NoteFailure(string name, int most, TimeSpan lockFor, CancellationToken cancel) => Run("""
        UPDATE sso.users SET failures = CASE WHEN failures + 1 >= $2 THEN 0 ELSE failures + 1 END,
            locked_until = CASE WHEN failures + 1 >= $2 THEN clock_timestamp() + $3 ELSE locked_until END
        WHERE name = $1
        """, cancel, name, most, lockFor);

    public Task NoteSuccess(string name, CancellationToken cancel) =>
        Run("UPDATE sso.users SET failures = 0 WHERE name = $1 AND failures > 0", cancel, name);

    public Task<IReadOnlyList<Group>> Groups(CancellationToken cancel) =>
        List("SELECT id, name, profile, external_id FROM sso.groups ORDER BY name", ReadGroup, cancel);

    public Task<IReadOnlyList<Group>> GroupsOf(Guid account, CancellationToken cancel) => List(
        """
        SELECT g.id, g.name, g.profile, g.external_id FROM sso.groups g JOIN sso.users u ON u.id = $1
        WHERE g.id = $2 OR (g.profile = u.profile AND g.external_id = ANY (u.external_groups)) ORDER BY g.name
        """, ReadGroup, cancel, account, Group.Everyone.Id);

    public async Task<Group> AddGroup(Group group, CancellationToken cancel) =>
        (await List("""
            INSERT INTO sso.groups (id, name, profile, external_id) VALUES ($1, $2, $3, $4)
            ON CONFLICT (profile, external_id) DO UPDATE SET name = excluded.name RETURNING id, name, profile, external_id
            """, ReadGroup, cancel, group.Id, group.Name, group.Profile, group.ExternalId))[0];

    public Task<bool> RemoveGroup(Guid id, CancellationToken cancel) => Run("""
        WITH permissions AS (DELETE FROM sso.permissions WHERE holder = $1)
        DELETE FROM sso.groups WHERE id = $1
        """, cancel, id);

    public Task<IReadOnlyList<SshKey>> Keys(Guid account, CancellationToken cancel) => List(
        "SELECT id, content FROM sso.ssh_keys WHERE account = $1 ORDER BY id",
        row => new SshKey(row.GetGuid(0), row.GetString(1)), cancel, account);

    public Task PutKey(Guid account, SshKey key, CancellationToken cancel) => Run("""
        INSERT INTO sso.ssh_keys (id, account, content) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET content = excluded.content
        """, cancel, key.Id, account, key.Content);

    public Task<bool> RemoveKey(Guid account, Guid key, CancellationToken cancel) =>
        Run("DELETE FROM sso.ssh_keys WHERE account = $1 AND id = $2", cancel, account, key);

    private static Account ReadAccount(NpgsqlDataReader row) => new(row.GetGuid(0), row.GetString(1), row.GetBoolean(2))
    {
        FirstName = row.GetString(3),
        LastName = row.GetString(4),
        Email = row.GetString(5),
        Department = row.GetString(6),
        ExternalId = row.GetString(7),
        LockedUntil = row.IsDBNull(8) ? null : row.GetFieldValue<DateTimeOffset>(8),
    };

    private static Group ReadGroup(NpgsqlDataReader row) => new(row.GetGuid(0), row.GetString(1), row.GetString(2), row.GetString(3));

    private Task<Removal> KeepingASuperUser(string sql, Guid id, CancellationToken cancel) => patience.Run(async () =>
    {
        await using var connection = await database().OpenConnectionAsync(cancel);
        await using var work = await connection.BeginTransactionAsync(cancel);
        await PostgresPermissions.LockSuperUsers(connection, work, cancel);
        await using var command = new NpgsqlCommand(sql, connection, work);
        command.Parameters.AddWithValue(id);
        if (await command.ExecuteNonQueryAsync(cancel) == 0) return Removal.NotThere;
        // Rolled back by being left.
        if (!await PostgresPermissions.SomebodyIsSuperUser(connection, work, cancel)) return Removal.LastSuperUser;
        await work.CommitAsync(cancel);
        return Removal.Done;
    }, cancel);

    private Task<bool> Run(string sql, CancellationToken cancel, params object[] values) => patience.Run(async () =>
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancel) > 0;
    }, cancel);

    private Task<IReadOnlyList<T>> List<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object[] values) =>
        patience.Run<IReadOnlyList<T>>(async () =>
        {
            await using var command = Command(sql, values);
            await using var row = await command.ExecuteReaderAsync(cancel);
            var found = new List<T>();
            while (await row.ReadAsync(cancel)) found.Add(read(row));
            return found;
        }, cancel);

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = database().CreateCommand(sql);
        // A parameter belongs to one command, and a statement may be said again.
        foreach (var value in values) command.Parameters.Add(value is NpgsqlParameter made ? made.Clone() : new NpgsqlParameter { Value = value });
        return command;
    }
}
