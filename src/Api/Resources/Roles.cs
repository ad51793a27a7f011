using System.Globalization;
using Orchestrator.Api.Access;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>The predefined roles, which stay as they are, and the operators' own.</summary>
internal static class Roles
{
    public static void Map(Router router) => router
        .Get("roles", async call => Answer.Of(
            Shapes.Role, [.. (await All(call)).Take(call.Parameters.Max ?? int.MaxValue).Select(Show)]))
        .Post("roles", Add)
        .Get("roles/{id}", Get)
        .Put("roles/{id}", Update)
        .Delete("roles/{id}", Remove)
        .Get("roles/{id}/permits", async call =>
        {
            var role = await Find(call, call.Id());
            return Answer.Of(Shapes.Permit, [.. role.Permits.Order().Take(call.Parameters.Max ?? int.MaxValue).Select(permit => Show(role, permit))]);
        })
        .Post("roles/{id}/permits", AddPermit)
        .Get("roles/{id}/permits/{word}", async call =>
        {
            var role = await Find(call, call.Id());
            return Answer.Of(Show(role, PermitOf(call, role)));
        })
        .Delete("roles/{id}/permits/{word}", RemovePermit);

    public static async Task<Answer> Get(ApiCall call) => Answer.Of(Show(await Find(call, call.Id(call.Ids.Count - 1))));

    /// <summary>What somebody is everywhere.</summary>
    public static async Task<Answer> OfHolder(ApiCall call, Guid holder)
    {
        var given = await call.World.Permissions.Permissions(new PermissionQuery(Holder: holder, On: [ObjectRef.System]), call.Cancel);
        var held = given.Select(permission => permission.Role).ToHashSet();
        return Answer.Of(Shapes.Role, [.. (await All(call)).Where(role => held.Contains(role.Id)).Select(Show)]);
    }

    public static async Task<IReadOnlyList<Role>> All(ApiCall call) =>
        [.. PredefinedRoles.All.Concat(await call.World.Permissions.OwnRoles(call.Cancel)).OrderBy(role => role.Name, StringComparer.Ordinal)];

    /// <exception cref="FaultException">404.</exception>
    public static async Task<Role> Find(ApiCall call, Guid id) =>
        PredefinedRoles.Find(id) ?? (await call.World.Permissions.OwnRoles(call.Cancel)).FirstOrDefault(role => role.Id == id)
            ?? throw FaultException.Unknown("role", id.ToString());

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Role);
        var name = Names.Required(body, "Role");
        var kind = body.Flag("administrative") switch
        {
            true => RoleKind.Admin,
            false => RoleKind.User,
            null => throw FaultException.Missing("Role", "administrative", "add"),
        };
        var permits = (body.Many("permits") ?? throw FaultException.Missing("Role", "permits", "add")).Select(PermitIn);
        // Every role lets its holder in.
        var role = Role.Own(Names.NewId(body), name, body.Text("description") ?? "", kind, permits.Append(Permit.Login));
        if ((await All(call)).Any(known => known.Id == role.Id)) throw FaultException.Conflict($"There is a role with the id {role.Id}");
        return Answer.Created(Show(await Put(call, role)));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Role);
        var role = await Own(call);
        if (body.Flag("administrative") is { } administrative && administrative != (role.Kind == RoleKind.Admin))
            throw FaultException.Bad("A role stays one of users or one of administrators; make another one");
        var permits = body.Many("permits")?.Select(PermitIn) ?? role.Permits;
        return Answer.Of(Show(await Put(call, Role.Own(
            role.Id, Names.Changed(body, "Role", role.Name) ?? role.Name, body.Text("description") ?? role.Description, role.Kind, permits))));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var role = await Own(call);
        if (!await call.World.Permissions.RemoveRole(role.Id, call.Cancel))
            throw FaultException.Conflict($"Cannot remove Role. Somebody has {role.Name}; take the permissions with it away first");
        call.World.Rights.Forget();
        return new Answer.Empty();
    }

    private static async Task<Answer> AddPermit(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Permit);
        var role = await Own(call);
        var permit = PermitIn(body);
        role = await Put(call, Role.Own(role.Id, role.Name, role.Description, role.Kind, role.Permits.Append(permit)));
        return Answer.Created(Show(role, permit));
    }

    private static async Task<Answer> RemovePermit(ApiCall call)
    {
        var permit = PermitOf(call, await Find(call, call.Id()));
        var role = await Own(call);
        await Put(call, Role.Own(role.Id, role.Name, role.Description, role.Kind, role.Permits.Where(other => other != permit)));
        return new Answer.Empty();
    }

    private static async Task<Role> Put(ApiCall call, Role role)
    {
        if (role.Kind == RoleKind.User && role.Permits.Where(Permits.IsAdministrative).ToList() is [var wrong, ..])
            throw FaultException.Bad($"{Permits.NameOf(wrong)} is a permit of administrators; the role {role.Name} is one of users");
        if (PredefinedRoles.All.Any(predefined => predefined.Name.Equals(role.Name, StringComparison.OrdinalIgnoreCase))
            || !await call.World.Permissions.PutRole(role, call.Cancel))
            throw FaultException.Conflict($"The name {role.Name} is in use by another role; choose another name");
        call.World.Rights.Forget();
        return role;
    }

    private static async Task<Role> Own(ApiCall call) => await Find(call, call.Id()) is { Predefined: false } role
        ? role
        : throw FaultException.Conflict("Cannot change Role. The predefined roles stay as they are; make one of your own");

    private static Permit PermitIn(Element body)
    {
        if (body.Id is { Length: > 0 } id)
            return int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && Enum.IsDefined((Permit)number)
                ? (Permit)number
                : throw FaultException.Bad($"There is no permit with the id {id}");
        var name = body.Text("name") ?? throw FaultException.Missing("Permit", "id|name", "add");
        return Permits.Named(name) ?? throw FaultException.Bad($"There is no permit {name}");
    }

    private static Permit PermitOf(ApiCall call, Role role) =>
        long.TryParse(call.Ids[1], out var number) && role.Permits.Contains((Permit)number)
            ? (Permit)number
            : throw FaultException.Unknown("permit", call.Ids[1]);

    private static Element Show(Role role)
    {
        var href = Hrefs.Role(role.Id);
        return Shapes.Role.New(role.Id, href)
            .With("name", role.Name)
            .With("description", role.Description.Length > 0 ? role.Description : role.Name)
            .With("administrative", role.Kind == RoleKind.Admin)
            .With("mutable", !role.Predefined)
            .WithLink("permits", $"{href}/permits");
    }

    private static Element Show(Role role, Permit permit)
    {
        var number = ((int)permit).ToString(CultureInfo.InvariantCulture);
        return Shapes.Permit.New(number, $"{Hrefs.Role(role.Id)}/permits/{number}")
            .With("name", Permits.NameOf(permit))
            .With("administrative", Permits.IsAdministrative(permit))
            .With("role", Shapes.Role.New(role.Id, Hrefs.Role(role.Id)));
    }
}
