using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Access;

/// <summary>
/// Who makes something gets a role on it, as in oVirt: when he works in the view of a user, or could not give permissions on
/// it otherwise. The permission is there before the object, which is harmless: an object that nobody can reach would not be.
/// </summary>
internal static class Ownership
{
    /// <summary>The permission that was given, or null.</summary>
    public static async Task<Permission?> Give(ApiCall call, string kind, Guid id, object command)
    {
        var (role, place) = command switch
        {
            VmCommand.Create c => (PredefinedRoles.UserVmManager, new ObjectRef(Kinds.Cluster, c.Config.Cluster.Value)),
            TemplateCommand.Create c => (PredefinedRoles.TemplateOwner, new ObjectRef(Kinds.Cluster, c.Config.Cluster.Value)),
            DiskCommand.Create c => (PredefinedRoles.DiskOperator, new ObjectRef(Kinds.StorageDomain, c.Config.StorageDomain.Value)),
            _ => (null, default),
        };
        if (role is null) return null;
        if (!call.Access.Filtered && await call.Access.May(call, Permit.ManipulatePermissions, place)) return null;

        // Somebody else's object, when the client chose an id that is taken: the command will be refused.
        if (await call.Find(kind, id) is not null) return null;
        var given = await call.World.Permissions.Give(
            new Permission(Guid.NewGuid(), role.Id, call.User.Id, HolderKind.User, new ObjectRef(kind, id)), call.Cancel);
        call.World.Rights.Forget();
        return given;
    }

    public static async Task TakeBack(ApiCall call, Permission given)
    {
        await call.World.Permissions.Take(given.Id, call.Cancel);
        call.World.Rights.Forget();
    }
}
