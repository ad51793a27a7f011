using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Access;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Who has which role on what: of the system, of each kind of object with all that is above it, of users and groups.</summary>
internal static class Permissions
{
    public static void Map(Router router)
    {
        router
            .Get("permissions", call => List(call, new PermissionQuery(On: [ObjectRef.System])))
            .Post("permissions", call => Add(call, ObjectRef.System))
            .Get("permissions/{id}", async call => Answer.Of(Show(await Find(call, null))))
            .Delete("permissions/{id}", async call => await Remove(call, await Find(call, null)))
            .Get("users/{id}/permissions", async call => await List(call, new PermissionQuery(Holder: (await Users.Find(call)).Id)))
            .Post("users/{id}/permissions", call => AddTo(call, Shapes.User, HolderKind.User))
            .Get("groups/{id}/permissions", async call => await List(call, new PermissionQuery(Holder: (await Groups.Find(call)).Id)))
            .Post("groups/{id}/permissions", call => AddTo(call, Shapes.Group, HolderKind.Group));
        foreach (var holders in new[] { "users", "groups" })
            router
                .Get($"{holders}/{{id}}/permissions/{{id}}", async call => Answer.Of(Show(await OfHolder(call))))
                .Delete($"{holders}/{{id}}/permissions/{{id}}", async call => await Remove(call, await OfHolder(call)));
        foreach (var kind in ObjectKinds.All)
        {
            if (kind.Name == "quota") continue;
            var path = $"{kind.Collection}/{{id}}/permissions";
            router
                .Get(path, async call => await List(call, new PermissionQuery(On: await CallAccess.Lineage(call, await Object(call, kind, router)))))
                .Post(path, async call => await Add(call, await Object(call, kind, router)))
                .Get($"{path}/{{id}}", async call => Answer.Of(Show(await Find(call, await Object(call, kind, router)))))
                .Delete($"{path}/{{id}}", async call => await Remove(call, await Find(call, await Object(call, kind, router))));
        }
    }

    /// <exception cref="FaultException">409: nobody would be left who may do everything.</exception>
    public static void RequireDone(Removal removal, string what, string id)
    {
        if (removal == Removal.NotThere) throw FaultException.Unknown(what, id);
        if (removal == Removal.LastSuperUser)
            throw FaultException.Conflict("Nobody would be SuperUser any more; give the role to another user first");
    }

    private static async Task<Answer> List(ApiCall call, PermissionQuery query)
    {
        var found = await call.World.Permissions.Permissions(query, call.Cancel);
        return Answer.Of(Shapes.Permission, [.. found.Take(call.Parameters.Max ?? int.MaxValue).Select(Show)]);
    }

    private static async Task<Answer> Add(ApiCall call, ObjectRef on)
    {
        var body = await call.ReadBody(Shapes.Permission);
        var (holder, kind) = (body.One("user"), body.One("group")) switch
        {
            ({ } user, null) => (Refs.IdOf(user) ?? await ByName(call, user), HolderKind.User),
            (null, { } group) => (Refs.IdOf(group), HolderKind.Group),
            _ => throw FaultException.Missing("Permission", "user|group.id", "add"),
        };
        return await Give(call, body, on, holder ?? throw FaultException.Missing("Permission", "user|group.id", "add"), kind);
    }

    private static async Task<Answer> AddTo(ApiCall call, Shape holder, HolderKind kind)
    {
        if (kind == HolderKind.User) await Users.Find(call);
        else await Groups.Find(call);
        var body = await call.ReadBody(Shapes.Permission);
        var on = ObjectRef.System;
        foreach (var known in ObjectKinds.All)
            if (body.One(known.Field) is { } reference)
                on = new ObjectRef(known.Name, await Refs.Resolve(call, known.Name, reference)
                    ?? throw FaultException.Missing("Permission", $"{known.Field}.id", "add"));
        if (!await call.Access.May(call, Permit.ManipulatePermissions, on)) throw Guard.Forbidden(call);
        return await Give(call, body, on, call.Id(), kind);
    }

    private static async Task<Answer> Give(ApiCall call, Element body, ObjectRef on, Guid holder, HolderKind kind)
    {
        var role = await RoleIn(call, body);
        RequireSuperUserFor(call, role);
        if (kind == HolderKind.User && await call.World.Accounts.Account(holder, call.Cancel) is null)
            throw new FaultException(404, FaultException.OperationFailed, $"Entity not found: there is no user with the id {holder}");
        if (kind == HolderKind.Group && (await call.World.Accounts.Groups(call.Cancel)).All(group => group.Id != holder))
            throw new FaultException(404, FaultException.OperationFailed, $"Entity not found: there is no group with the id {holder}");
        if (holder == Group.Everyone.Id && role.Kind == RoleKind.Admin)
            throw FaultException.Conflict("Cannot add Permission. Not everyone can be an administrator");
        var given = await call.World.Permissions.Give(new Permission(Guid.NewGuid(), role.Id, holder, kind, on), call.Cancel);
        call.World.Rights.Forget();
        return Answer.Created(Show(given));
    }

    private static async Task<Answer> Remove(ApiCall call, Permission permission)
    {
        if (!await call.Access.May(call, Permit.ManipulatePermissions, permission.Object)) throw Guard.Forbidden(call);
        if ((await Roles.All(call)).FirstOrDefault(role => role.Id == permission.Role) is { } known) RequireSuperUserFor(call, known);
        if (permission.Role == PredefinedRoles.SuperUser.Id && permission.Object == ObjectRef.System
            && await call.World.Accounts.Account(permission.Holder, call.Cancel) is { Name: Users.First })
            throw FaultException.Conflict($"Cannot remove Permission. {Users.First} stays SuperUser, as the way back in");
        RequireDone(await call.World.Permissions.Take(permission.Id, call.Cancel), "permission", permission.Id.ToString());
        call.World.Rights.Forget();
        return new Answer.Empty();
    }

    private static void RequireSuperUserFor(ApiCall call, Role role)
    {
        if (role.Kind == RoleKind.Admin && !call.Access.Rights.IsSuperUser)
            throw new FaultException(403, FaultException.OperationFailed, "Only a SuperUser may give or take roles of administrators");
    }

    private static async Task<Role> RoleIn(ApiCall call, Element body)
    {
        var reference = body.One("role") ?? throw FaultException.Missing("Permission", "role.id|name", "add");
        if (Refs.IdOf(reference) is { } id) return await Roles.Find(call, id);
        var name = reference.Text("name") ?? throw FaultException.Missing("Permission", "role.id|name", "add");
        return (await Roles.All(call)).FirstOrDefault(role => role.Name == name)
            ?? throw new FaultException(404, FaultException.OperationFailed, $"Entity not found: role: name={name}");
    }

    private static async Task<Guid?> ByName(ApiCall call, Element user) => user.Text("user_name") is { } name
        ? (await call.World.Accounts.Accounts(call.Cancel)).FirstOrDefault(account => account.Name == name)?.Id
        : null;

    private static async Task<ObjectRef> Object(ApiCall call, ObjectKind kind, Router router)
    {
        // What is no entity's is known to its own resource: networks and profiles of the catalogue, the Blank template.
        if (await call.Find(kind.Name, call.Id()) is null) await router.Read(call, $"{kind.Collection}/{call.Ids[0]}");
        return new ObjectRef(kind.Name, call.Id());
    }

    /// <param name="on">The permission must be on this or above it; null: anywhere.</param>
    private static async Task<Permission> Find(ApiCall call, ObjectRef? on)
    {
        var id = call.Ids[^1];
        var found = await call.World.Permissions.Permissions(new PermissionQuery(Id: Guid.Parse(id)), call.Cancel);
        return found is [var permission] && (on is not { } below || (await CallAccess.Lineage(call, below)).Contains(permission.Object))
            ? permission
            : throw FaultException.Unknown("permission", id);
    }

    private static async Task<Permission> OfHolder(ApiCall call)
    {
        var permission = await Find(call, null);
        return permission.Holder == call.Id() && (!call.Access.Filtered || call.Id() == call.User.Id || call.Method != "GET")
            ? permission
            : throw FaultException.Unknown("permission", call.Ids[1]);
    }

    private static Element Show(Permission permission)
    {
        var (kind, path) = (ObjectKinds.Named(permission.Object.Kind), $"{Hrefs.Base}/permissions");
        if (kind is not null) path = $"{Hrefs.Base}/{kind.Collection}/{permission.Object.Id}/permissions";
        var shown = Shapes.Permission.New(permission.Id, $"{path}/{permission.Id}")
            .With("role", Shapes.Role.New(permission.Role, Hrefs.Role(permission.Role)));
        if (permission.HolderKind == HolderKind.User) shown.With("user", Shapes.User.New(permission.Holder, Hrefs.User(permission.Holder)));
        else shown.With("group", Shapes.Group.New(permission.Holder, Hrefs.Group(permission.Holder)));
        if (kind is null) return shown;
        var shape = Shapes.Permission.Fields[Shapes.Permission.IndexOf(kind.Field)].Child;
        return shown.With(kind.Field, shape.New(permission.Object.Id, $"{Hrefs.Base}/{kind.Collection}/{permission.Object.Id}"));
    }
}
