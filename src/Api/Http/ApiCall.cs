using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Access;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api.Http;

/// <summary>One request, authenticated and taken apart: all that a resource may know of HTTP.</summary>
public sealed class ApiCall(
    World world, Parameters parameters, Identity user, CallAccess access, CancellationToken cancel,
    ReadSoFar? read = null)
{
    private readonly ReadSoFar _read = read ?? new ReadSoFar(world.Views);

    public World World { get; } = world;

    public Parameters Parameters { get; } = parameters;

    public Identity User { get; } = user;

    public CallAccess Access { get; } = access;

    public CancellationToken Cancel { get; } = cancel;

    public IReadOnlyList<string> Ids { get; init; } = [];

    /// <summary>Reads the body as the given type; an empty body is an empty object.</summary>
    public required Func<Shape, Task<Element>> ReadBody { get; init; }

    public string Method { get; init; } = "GET";

    /// <summary>Name and port by which the client speaks to us.</summary>
    public string Authority { get; init; } = "";

    /// <summary>The client asks for a file for virt-viewer, and for nothing else.</summary>
    public bool WantsViewer { get; init; }

    /// <summary>The client asks for events as they come.</summary>
    public bool WantsEvents { get; init; }

    public Guid Id(int at = 0) => Guid.ParseExact(Ids[at], "D");

    /// <summary>A new job for each command: the job is what makes a repeated command harmless.</summary>
    public Origin NewOrigin() =>
        new(new JobId(Guid.CreateVersion7()), Parameters.Correlation, User.Name, World.Clock.GetUtcNow())
        {
            Trace = EntityTraces.Now,
        };

    /// <summary>The same user's look at another path, for links that are followed.</summary>
    public ApiCall Inner(IReadOnlyList<string> ids) =>
        new(World, Parameters.ForFollow(), User, Access, Cancel, _read) { Ids = ids, ReadBody = ReadBody, Authority = Authority };

    /// <summary>This same request, as if it had been made at another path.</summary>
    public ApiCall At(IReadOnlyList<string> ids, Func<Shape, Task<Element>>? readBody = null) => new(World, Parameters, User, Access, Cancel, _read)
    {
        Ids = ids,
        ReadBody = readBody ?? ReadBody,
        Method = Method,
        Authority = Authority,
        WantsViewer = WantsViewer,
    };

    /// <summary>Like <see cref="Inner"/>, but sees the documents as they are now.</summary>
    public ApiCall Anew(IReadOnlyList<string> ids) =>
        new(World, Parameters.ForFollow(), User, Access, Cancel) { Ids = ids, ReadBody = ReadBody, Authority = Authority };

    public async Task<Document?> Find(string kind, Guid id)
    {
        if (Method != "GET") return await World.Read.Get(kind, id, Cancel);
        if (_read.Has(kind, id)) return _read.Document(kind, id);
        var document = await World.Read.Get(kind, id, Cancel);
        _read.Keep(kind, id, document);
        return document;
    }

    /// <summary>Reads many at once, so that this GET finds them when it comes to each.</summary>
    public async Task Foresee(string kind, IEnumerable<Guid> ids)
    {
        var wanted = ids.Where(id => !_read.Has(kind, id)).Distinct().ToImmutableArray();
        if (wanted.Length < 2) return;
        foreach (var id in wanted) _read.Keep(kind, id, null);
        foreach (var document in await World.Read.List(new ReadQuery(kind) { Only = new ReadFilter.Ids(wanted) }, Cancel))
            _read.Keep(kind, document.Id, document);
    }

    /// <summary>What was seen of the guests of these VMs; of each VM it is asked for once.</summary>
    public async Task<IReadOnlyDictionary<Guid, GuestObservation>> Guests(IReadOnlyCollection<Guid> vms)
    {
        var unknown = vms.Where(vm => !_read.Guests.ContainsKey(vm)).ToList();
        if (unknown.Count == 0) return _read.Guests!;
        var seen = await World.Observations.OfGuests(unknown, Cancel);
        if (Method != "GET") return seen;
        foreach (var vm in unknown) _read.Guests[vm] = seen.GetValueOrDefault(vm);
        return _read.Guests!;
    }

    /// <exception cref="FaultException">404.</exception>
    public async Task<TView> Get<TView>(string kind, Guid id) where TView : notnull =>
        await Find(kind, id) is { } document
            ? View<TView>(document)
            : throw FaultException.Unknown(kind, id.ToString());

    public async Task<IReadOnlyList<TView>> List<TView>(ReadQuery query) where TView : notnull
    {
        var filtered = Method == "GET" && Access.Filtered && ObjectKinds.Named(query.Kind) is not null;
        var documents = filtered ? await Visible(query) : await Remember(query);
        return [.. documents.Select(View<TView>)];
    }

    /// <summary>A GET sees one state of an object; who changes it looks at what has become of it.</summary>
    private TView View<TView>(Document document) where TView : notnull =>
        Method == "GET" ? _read.View<TView>(document) : World.Views.Read<TView>(document);

    /// <summary>Reads documents that this GET will ask for one by one.</summary>
    internal async Task<IReadOnlyList<Document>> Remember(ReadQuery query)
    {
        var documents = await World.Read.List(query, Cancel);
        if (Method == "GET")
            foreach (var document in documents)
                _read.Keep(document.Kind, document.Id, document);
        return documents;
    }

    /// <summary>What the user sees of it; only of that are the first ones counted off.</summary>
    private async Task<IReadOnlyList<Document>> Visible(ReadQuery query)
    {
        var visible = new List<Document>();
        foreach (var document in await Remember(query with { Max = null, Offset = 0 }))
            if (await Access.Sees(this, new ObjectRef(document.Kind, document.Id)))
                visible.Add(document);
        return [.. visible.Skip(query.Offset).Take(query.Max ?? int.MaxValue)];
    }

    /// <summary>Sends a command and answers the entity's view after it.</summary>
    /// <exception cref="FaultException">What the table says of the refusal.</exception>
    public async Task<TView> Ask<TView>(string kind, Guid id, object command) where TView : notnull =>
        WireJson.Read<TView>(await Ask(kind, id, command));

    /// <inheritdoc cref="Ask{TView}"/>
    public async Task<string> Ask(string kind, Guid id, object command)
    {
        var owned = await Ownership.Give(this, kind, id, command);
        switch (await World.Entities.Ask(kind, id, command, Cancel))
        {
            case Reply.Accepted accepted:
                return accepted.View;
            case Reply.AlreadyDone done:
                return done.View;
            case Reply.Refused refused:
                if (owned is not null) await Ownership.TakeBack(this, owned);
                throw FaultTable.Refusal(refused.Fault, refused.Detail);
            case var other:
                throw new InvalidOperationException($"{kind} {id} answered with {other.GetType().Name}");
        }
    }
}
