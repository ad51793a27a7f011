using Npgsql;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Api.Access;

/// <summary>Roles and permissions in the schema sso. Every question goes to the primary.</summary>
public sealed class PostgresPermissions(PrimarySource database, Patience patience) : IPermissions
{
    private const string Columns = "p.id, p.role, p.holder, p.holder_is_group, p.object_kind, p.object_id";

    public Task<Rights?> RightsOf(Guid account, CancellationToken cancel) => patience.Run<Rights?>(async () =>
    {
        await using var query = database().CreateCommand("""
            SELECT p.role, p.object_kind, p.object_id, r.name, r.administrative, r.permits
            FROM sso.users u
            LEFT JOIN sso.permissions p ON p.holder = u.id OR p.holder = $2 OR p.holder IN (
                SELECT g.id FROM sso.groups g WHERE g.profile = u.profile AND g.external_id = ANY (u.external_groups))
            LEFT JOIN sso.roles r ON r.id = p.role
            WHERE u.id = $1 AND u.enabled
            """);
        query.Parameters.AddWithValue(account);
        query.Parameters.AddWithValue(Group.Everyone.Id);
        await using var row = await query.ExecuteReaderAsync(cancel);
        List<Grant>? grants = null;
        while (await row.ReadAsync(cancel))
        {
            grants ??= [];
            if (row.IsDBNull(0)) continue;
            var role = PredefinedRoles.Find(row.GetGuid(0)) ?? (row.IsDBNull(3)
                ? null
                : Role.Own(row.GetGuid(0), row.GetString(3), "", Kind(row.GetBoolean(4)), Permits(row, 5)));
            // The role of a newer engine: it counts on that engine's nodes.
            if (role is not null) grants.Add(new Grant(role, new ObjectRef(row.GetString(1), row.GetGuid(2))));
        }

        return grants is null ? null : new Rights(grants);
    }, cancel);

    public Task<IReadOnlyList<Permission>> Permissions(PermissionQuery query, CancellationToken cancel) =>
        patience.Run<IReadOnlyList<Permission>>(async () =>
        {
            await using var command = database().CreateCommand($"""
                SELECT {Columns} FROM sso.permissions p
                WHERE ($1::uuid IS NULL OR p.id = $1) AND ($2::uuid IS NULL OR p.holder = $2)
                    AND ($3::text[] IS NULL OR (p.object_kind, p.object_id) IN (SELECT * FROM unnest($3, $4::uuid[])))
                ORDER BY p.given_at, p.id
                """);
            command.Parameters.Add(new NpgsqlParameter<Guid?> { TypedValue = query.Id });
            command.Parameters.Add(new NpgsqlParameter<Guid?> { TypedValue = query.Holder });
            command.Parameters.Add(new NpgsqlParameter<string[]?> { TypedValue = query.On?.Select(on => on.Kind).ToArray() });
            command.Parameters.Add(new NpgsqlParameter<Guid[]?> { TypedValue = query.On?.Select(on => on.Id).ToArray() });
            await using var row = await command.ExecuteReaderAsync(cancel);
            var found = new List<Permission>();
            while (await row.ReadAsync(cancel)) found.Add(Read(row));
            return found;
        }, cancel);

    public Task<Permission> Give(Permission permission, CancellationToken cancel) => patience.Run(async () =>
    {
        await using var connection = await database().OpenConnectionAsync(cancel);
        await using var work = await connection.BeginTransactionAsync(cancel);
        await using var insert = new NpgsqlCommand($"""
            INSERT INTO sso.permissions AS p (id, role, holder, holder_is_group, object_kind, object_id) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (role, holder, object_kind, object_id) DO UPDATE SET role = excluded.role
            RETURNING {Columns}
            """, connection, work);
        insert.Parameters.AddWithValue(permission.Id);
        insert.Parameters.AddWithValue(permission.Role);
        insert.Parameters.AddWithValue(permission.Holder);
        insert.Parameters.AddWithValue(permission.HolderKind == HolderKind.Group);
        insert.Parameters.AddWithValue(permission.Object.Kind);
        insert.Parameters.AddWithValue(permission.Object.Id);
        Permission given;
        await using (var row = await insert.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            given = Read(row);
        }

        await MarkAdministrators(connection, work, cancel);
        await work.CommitAsync(cancel);
        return given;
    }, cancel);

    public Task<Removal> Take(Guid permission, CancellationToken cancel) => patience.Run(async () =>
    {
        await using var connection = await database().OpenConnectionAsync(cancel);
        await using var work = await connection.BeginTransactionAsync(cancel);
        await LockSuperUsers(connection, work, cancel);
        await using var delete = new NpgsqlCommand("DELETE FROM sso.permissions WHERE id = $1", connection, work);
        delete.Parameters.AddWithValue(permission);
        if (await delete.ExecuteNonQueryAsync(cancel) == 0) return Removal.NotThere;
        // Rolled back by being left.
        if (!await SomebodyIsSuperUser(connection, work, cancel)) return Removal.LastSuperUser;
        await MarkAdministrators(connection, work, cancel);
        await work.CommitAsync(cancel);
        return Removal.Done;
    }, cancel);

    public Task<IReadOnlyList<Role>> OwnRoles(CancellationToken cancel) => patience.Run<IReadOnlyList<Role>>(async () =>
    {
        await using var query = database().CreateCommand(
            "SELECT id, name, description, administrative, permits FROM sso.roles ORDER BY name");
        await using var row = await query.ExecuteReaderAsync(cancel);
        var roles = new List<Role>();
        while (await row.ReadAsync(cancel))
            roles.Add(Role.Own(row.GetGuid(0), row.GetString(1), row.GetString(2), Kind(row.GetBoolean(3)), Permits(row, 4)));
        return roles;
    }, cancel);

    public Task<bool> PutRole(Role role, CancellationToken cancel) => patience.Run(async () =>
    {
        try
        {
            await using var command = database().CreateCommand("""
                INSERT INTO sso.roles (id, name, description, administrative, permits) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, permits = excluded.permits
                """);
            command.Parameters.AddWithValue(role.Id);
            command.Parameters.AddWithValue(role.Name);
            command.Parameters.AddWithValue(role.Description);
            command.Parameters.AddWithValue(role.Kind == RoleKind.Admin);
            command.Parameters.AddWithValue(role.Permits.Select(permit => (int)permit).Order().ToArray());
            await command.ExecuteNonQueryAsync(cancel);
            return true;
        }
        catch (PostgresException taken) when (taken.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return false;
        }
    }, cancel);

    public Task<bool> RemoveRole(Guid id, CancellationToken cancel) => patience.Run(async () =>
    {
        await using var command = database().CreateCommand(
            "DELETE FROM sso.roles r WHERE r.id = $1 AND NOT EXISTS (SELECT 1 FROM sso.permissions p WHERE p.role = r.id)");
        command.Parameters.AddWithValue(id);
        return await command.ExecuteNonQueryAsync(cancel) > 0;
    }, cancel);

    /// <summary>Two nodes must not take away the last two at once.</summary>
    internal static async Task LockSuperUsers(NpgsqlConnection connection, NpgsqlTransaction work, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('sso.permissions of SuperUser'))", connection, work);
        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>A person: a group may turn out to be empty.</summary>
    internal static async Task<bool> SomebodyIsSuperUser(NpgsqlConnection connection, NpgsqlTransaction work, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("""
            SELECT EXISTS (SELECT 1 FROM sso.permissions p JOIN sso.users u ON u.id = p.holder AND u.enabled
                WHERE p.role = $1 AND p.object_kind = 'system')
            """, connection, work);
        command.Parameters.AddWithValue(PredefinedRoles.SuperUser.Id);
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>What engines of 0.1.0 go by.</summary>
    private static async Task MarkAdministrators(NpgsqlConnection connection, NpgsqlTransaction work, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("""
            UPDATE sso.users u SET is_admin = NOT is_admin WHERE is_admin <> EXISTS (
                SELECT 1 FROM sso.permissions p WHERE p.holder = u.id AND p.role = $1 AND p.object_kind = 'system')
            """, connection, work);
        command.Parameters.AddWithValue(PredefinedRoles.SuperUser.Id);
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static RoleKind Kind(bool administrative) => administrative ? RoleKind.Admin : RoleKind.User;

    private static IEnumerable<Permit> Permits(NpgsqlDataReader row, int at) => row.GetFieldValue<int[]>(at).Select(number => (Permit)number);

    private static Permission Read(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), row.GetBoolean(3) ? HolderKind.Group : HolderKind.User,
        new ObjectRef(row.GetString(4), row.GetGuid(5)));
}
