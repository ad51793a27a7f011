using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using Newtonsoft.Json.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Api;
using Orchestrator.Api.Search;
using Orchestrator.Api.Sso;

namespace Orchestrator.Tests.Api;

/// <summary>Documents in memory, and entities that store them directly: enough of the rules to answer as real ones.</summary>
public sealed class FakeEngine : IEntities, IReadModel
{
    private readonly ConcurrentDictionary<(string Kind, Guid Id), JObject> _documents = new();
    private readonly ConcurrentDictionary<(string Kind, string Name), Guid> _names = new();
    private int _gets;

    public ConcurrentQueue<(string Kind, Guid Id, object Command)> Commands { get; } = new();

    public List<AuditRow> Audit { get; } = [];

    /// <summary>What was asked of the read model, each list once.</summary>
    public ConcurrentQueue<ReadQuery> Queries { get; } = new();

    /// <summary>Single documents that were asked for.</summary>
    public int Gets => _gets;

    /// <summary>Thrown by every call while set.</summary>
    public Exception? Away { get; set; }

    public bool Hang { get; set; }

    /// <summary>The answer to every command while set.</summary>
    public Fault? Refuse { get; set; }

    /// <summary>A VM with a guest that runs; null where it answers as any other.</summary>
    public Func<VmView, object, Reply?>? Guest { get; set; }

    /// <summary>What power devices answer.</summary>
    public PowerAnswer PowerSays { get; set; } = new(default, true, PowerState.On, "Status: ON");

    public void Put(string kind, Guid id, object view) => _documents[(kind, id)] = JObject.Parse(WireJson.Write(view));

    public T View<T>(string kind, Guid id) where T : notnull => WireJson.Read<T>(_documents[(kind, id)].ToString());

    /// <summary>All that is stored, to see that nothing has changed.</summary>
    public string Fingerprint() =>
        $"{string.Join('|', _documents.Select(d => $"{d.Key}{d.Value}").Order())} {string.Join('|', _names.Keys.Order())}";
    public Guid Named(string kind, string name) => _documents.Single(d => d.Key.Kind == kind && (string?)d.Value.SelectToken("config.name") == name).Key.Id;

    public bool Has(string kind, Guid id) => _documents.ContainsKey((kind, id));

    public async Task<Reply> Ask(string kind, Guid id, object command, CancellationToken cancel)
    {
        if (Hang) await Task.Delay(Timeout.Infinite, cancel);
        if (Away is not null) throw Away;
        Commands.Enqueue((kind, id, command));
        if (Refuse is { } fault) return new Reply.Refused(fault, null);
        if (kind == Kinds.Vm && Guest?.Invoke(View<VmView>(kind, id), command) is { } reply)
        {
            if (reply is Reply.Accepted accepted) _documents[(kind, id)] = JObject.Parse(accepted.View);
            return reply;
        }

        return command switch
        {
            Look when !Has(kind, id) => new Reply.Refused(Fault.NotFound, null),
            Look => new Reply.AlreadyDone(_documents[(kind, id)].ToString(), 1),
            DataCenterCommand.Create c => Store(kind, id, new DataCenterView { Id = new(id), Config = c.Config, CreatedAt = c.Origin.At }),
            DataCenterCommand.Update c => Change<DataCenterView>(kind, id, v => v with { Config = c.Patch.Apply(v.Config) }),
            DataCenterCommand.Remove => Drop(kind, id),
            ClusterCommand.Create c => Store(kind, id, new ClusterView { Id = new(id), Config = c.Config, CreatedAt = c.Origin.At }),
            ClusterCommand.Update c => Change<ClusterView>(kind, id, v => v with { Config = c.Patch.Apply(v.Config) }),
            ClusterCommand.Remove => Drop(kind, id),
            HostCommand.Register c => Store(kind, id, new HostView { Id = new(id), Config = c.Config, Status = "initializing", CreatedAt = c.Origin.At }),
            HostCommand.Update c => Change<HostView>(kind, id, v => v with { Config = c.Patch.Apply(v.Config) }),
            HostCommand.Activate => Change<HostView>(kind, id, v => v with { Status = "up" }),
            HostCommand.Deactivate => Change<HostView>(kind, id, v => v with { Status = "maintenance" }),
            HostCommand.Remove => Drop(kind, id),
            HostCommand.AddFenceAgent c => Change<HostView>(kind, id, v => v with { Config = v.Config with { FenceAgents = v.Config.FenceAgents.Add(c.Agent) } }),
            HostCommand.RemoveFenceAgent c => Change<HostView>(kind, id, v => v with { Config = v.Config with { FenceAgents = v.Config.FenceAgents.RemoveAll(a => a.Id == c.Agent) } }),
            HostCommand.UpdateFenceAgent c => Change<HostView>(kind, id, v => v with { Config = v.Config with { FenceAgents = [c.Agent] } }),
            HostCommand.Fence { Action: PowerAction.Status } c => Change<HostView>(kind, id, v => v with { Power = PowerSays with { Question = c.Origin.Job } }),
            HostCommand => Change<HostView>(kind, id, v => v),
            StorageDomainCommand.Create c => Store(kind, id, new StorageDomainView { Id = new(id), Config = c.Config, Status = "unattached", CreatedAt = c.Origin.At }),
            StorageDomainCommand.Update c => Change<StorageDomainView>(kind, id, v => v with { Config = c.Patch.Apply(v.Config) }),
            StorageDomainCommand.Attach c => Change<StorageDomainView>(kind, id, v => v with { DataCenter = c.DataCenter, Status = "maintenance" }),
            StorageDomainCommand.Detach => Change<StorageDomainView>(kind, id, v => v with { DataCenter = null, Status = "unattached" }),
            StorageDomainCommand.Activate => Change<StorageDomainView>(kind, id, v => v with { Status = "active" }),
            StorageDomainCommand.Deactivate => Change<StorageDomainView>(kind, id, v => v with { Status = "maintenance" }),
            StorageDomainCommand.Remove => Drop(kind, id),
            DiskCommand.Create c => Store(kind, id, new DiskView { Id = new(id), Config = c.Config, Path = c.Path, Status = "locked", CreatedAt = c.Origin.At }),
            DiskCommand.Update c => Change<DiskView>(kind, id, v => v with { Config = c.Patch.Apply(v.Config) }),
            DiskCommand.Grow or DiskCommand.Move or DiskCommand.BeginTransfer => Change<DiskView>(kind, id, v => v with { Status = "locked" }),
            DiskCommand.Rewrite => Change<DiskView>(kind, id, v => v with { Status = "locked", KeepsFromStarting = true }),
            DiskCommand.BeginCopy => Change<DiskView>(kind, id, v => v),
            DiskCommand.OrderTransfer => Change<DiskView>(kind, id, v => v),
            DiskCommand.Attach c when View<DiskView>(kind, id).Vms.Contains(c.Vm) => new Reply.AlreadyDone("{}", 1),
            DiskCommand.Attach when View<DiskView>(kind, id) is { Vms.IsEmpty: false, Config.Shareable: false } =>
                new Reply.Refused(Fault.DiskInUse, null),
            DiskCommand.Attach c => Change<DiskView>(kind, id, v => v with { Vms = v.Vms.Add(c.Vm) }),
            DiskCommand.Detach c => Change<DiskView>(kind, id, v => v with { Vms = v.Vms.Remove(c.Vm) }),
            DiskCommand.Remove when !View<DiskView>(kind, id).Vms.IsEmpty => new Reply.Refused(Fault.DiskInUse, null),
            DiskCommand.Remove => Drop(kind, id),
            TemplateCommand.Create c => Store(kind, id, new TemplateView { Id = new(id), Config = c.Config, Status = c.Copies.IsEmpty ? "ok" : "locked", CreatedAt = c.Origin.At, Version = c.Version }),
            TemplateCommand.AddVersion c => Change<TemplateView>(kind, id, v => v with { Versions = v.Versions.Add(new(c.Version, v.Versions.Length + 2, c.Name, c.Origin.At)) }),
            TemplateCommand.DropVersion c => Change<TemplateView>(kind, id, v => v with { Versions = v.Versions.RemoveAll(k => k.Template == c.Version) }),
            TemplateCommand.Remove when !View<TemplateView>(kind, id).Versions.IsEmpty => new Reply.Refused(Fault.TemplateHasVersions, null),
            TemplateCommand.Update c => Change<TemplateView>(kind, id, v => v with { Config = c.Patch.Apply(v.Config) }),
            TemplateCommand.Remove => Drop(kind, id),
            VmCommand.Create c => Store(kind, id, new VmView { Id = new(id), Config = c.Config, Status = "down", VmState = "down", PowerState = "off", CreatedAt = c.Origin.At }),
            VmCommand.Update c => Change<VmView>(kind, id, v => v with { Config = c.Patch.Apply(v.Config) }),
            VmCommand.Start { NotReady: not "" } c => new Reply.Refused(Fault.VmDiskNotReady, c.NotReady),
            VmCommand.Start => Has(kind, id) && View<VmView>(kind, id).Status != "down"
                ? new Reply.Refused(Fault.VmAlreadyRunning, null)
                : Change<VmView>(kind, id, v => v with { Status = "wait_for_launch", VmState = "up" }),
            VmCommand.Stop => Change<VmView>(kind, id, v => v with { Status = "down", VmState = "down" }),
            VmCommand.Remove => Drop(kind, id),
            VmCommand.AttachDisk c => Change<VmView>(kind, id, v => v with { Config = v.Config with { Disks = v.Config.Disks.Add(c.Disk) } }),
            VmCommand.DetachDisk c => Change<VmView>(kind, id, v => v with { Config = v.Config with { Disks = v.Config.Disks.RemoveAll(d => d.Disk == c.Disk) } }),
            VmCommand.AddNic c => Change<VmView>(kind, id, v => v with { Config = v.Config with { Nics = v.Config.Nics.Add(c.Nic) } }),
            VmCommand.RemoveNic c => Change<VmView>(kind, id, v => v with { Config = v.Config with { Nics = v.Config.Nics.RemoveAll(n => n.Id == c.Nic) } }),
            VmCommand => Change<VmView>(kind, id, v => v),
            _ => throw new NotSupportedException(command.GetType().Name),
        };
    }

    public void Tell(string kind, Guid id, object command) => Commands.Enqueue((kind, id, command));

    public Task<Document?> Get(string kind, Guid id, CancellationToken cancel)
    {
        if (Away is not null) throw Away;
        Interlocked.Increment(ref _gets);
        return Task.FromResult(_documents.TryGetValue((kind, id), out var json) ? Of(kind, id, json) : null);
    }

    public Task<IReadOnlyList<Document>> List(ReadQuery query, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<Document>>([.. Matching(query).Skip(query.Offset).Take(query.Max ?? int.MaxValue)]);

    public Task<long> Count(ReadQuery query, CancellationToken cancel) => Task.FromResult((long)Matching(query).Count());

    public Task<IReadOnlyList<VmOnHost>> VmsOn(HostId host, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<VmOnHost>>([.. Matching(new ReadQuery(
            Kinds.Vm, new Dictionary<string, string> { ["host"] = host.ToString() }))
            .Select(document => new VmOnHost(document.Id, false, 0))]);

    public Task<IReadOnlyList<VmId>> HighlyAvailableIn(ClusterId cluster, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<VmId>>([]);

    public Task<IReadOnlyList<VmCopy>> CopiesOn(HostId host, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<VmCopy>>([]);

    public Task<IReadOnlyList<AuditRow>> Events(AuditQuery query, CancellationToken cancel)
    {
        var evaluation = new FilterEvaluation(Rows);
        var lines = Lines().ToDictionary(row => row.Id.ToString(CultureInfo.InvariantCulture));
        var found = Rows(Kinds.Event).Where(row => long.Parse(row.Id, CultureInfo.InvariantCulture) > (query.After ?? 0))
            .Where(row => IsTrue(evaluation, query.Only, row) && IsTrue(evaluation, query.Visible, row)).ToList();
        if (query.Order is { } order) found = [.. evaluation.Sorted(found, order)];
        else if (query.Direction == Direction.Descending) found.Reverse();
        return Task.FromResult<IReadOnlyList<AuditRow>>(
            [.. found.Skip(query.Offset).Take(query.Max ?? int.MaxValue).Select(row => lines[row.Id])]);
    }

    public Task<bool> ClaimName(string kind, string scope, string name, Guid id, CancellationToken cancel) =>
        Task.FromResult(_names.GetOrAdd((kind, name), id) == id);

    public Task ReleaseName(string kind, string scope, string name, Guid id, CancellationToken cancel)
    {
        _names.TryRemove(KeyValuePair.Create((kind, name), id));
        return Task.CompletedTask;
    }

    private IEnumerable<Document> Matching(ReadQuery query)
    {
        if (Away is not null) throw Away;
        Queries.Enqueue(query);
        var evaluation = new FilterEvaluation(Rows);
        var found = Rows(query.Kind)
            .Where(row => (query.Equal ?? ImmutableDictionary<string, string>.Empty)
                .All(wanted => (string?)At(_documents[(query.Kind, Guid.Parse(row.Id))], wanted.Key) == wanted.Value))
            .Where(row => IsTrue(evaluation, query.Only, row) && IsTrue(evaluation, query.Visible, row));
        found = query.Order is { } order ? evaluation.Sorted(found, order)
            : query.Kind == Kinds.Job ? found.OrderByDescending(row => row.Document.GetProperty("startedAt").GetString())
            : query.Descending ? found.OrderByDescending(row => row.Name, StringComparer.Ordinal)
            : found.OrderBy(row => row.Name, StringComparer.Ordinal);
        return found.Select(row => Of(query.Kind, Guid.Parse(row.Id), _documents[(query.Kind, Guid.Parse(row.Id))]));
    }

    private AuditRow[] Lines()
    {
        lock (Audit) return [.. Audit];
    }

    private IEnumerable<SearchRow> Rows(string kind) => kind == Kinds.Event
        ? Lines().OrderBy(row => row.Id).Select(row => new SearchRow(
            kind, row.Id.ToString(CultureInfo.InvariantCulture), "", JsonDocument.Parse(WireJson.Write(row.Line)).RootElement))
        : _documents.Where(entry => entry.Key.Kind == kind).Select(entry => new SearchRow(
            kind, entry.Key.Id.ToString(), Of(kind, entry.Key.Id, entry.Value).Name, JsonDocument.Parse(entry.Value.ToString()).RootElement));

    private static bool IsTrue(FilterEvaluation evaluation, ReadFilter? filter, SearchRow row) => filter is null || evaluation.IsTrue(filter, row);

    private static JToken? At(JToken json, string path)
    {
        JToken? at = json;
        foreach (var step in path.Split('.'))
            at = at is JArray array ? array.ElementAtOrDefault(int.Parse(step)) : (at as JObject)?[step];
        return at;
    }

    private static Document Of(string kind, Guid id, JObject json) =>
        new(kind, id, (string?)json.SelectToken("config.name") ?? id.ToString(), 1, json.ToString());

    private Reply Store(string kind, Guid id, object view)
    {
        if (Has(kind, id)) return new Reply.Refused(Fault.AlreadyExists, null);
        Put(kind, id, view);
        return new Reply.Accepted(WireJson.Write(view), 1);
    }

    private Reply Change<T>(string kind, Guid id, Func<T, T> change) where T : notnull
    {
        if (!Has(kind, id)) return new Reply.Refused(Fault.NotFound, null);
        var view = change(View<T>(kind, id));
        Put(kind, id, view);
        return new Reply.Accepted(WireJson.Write(view), 2);
    }

    private Reply Drop(string kind, Guid id) => _documents.TryRemove((kind, id), out var last)
        ? new Reply.Accepted(last.ToString(), 3)
        : new Reply.Refused(Fault.NotFound, null);
}

/// <summary>What clients add, in the fake engine's own log and documents.</summary>
public sealed class FakeRecords(FakeEngine engine) : IClientRecords
{
    private readonly List<AuditRow> _hidden = [];

    public Task<AuditRow> Tell(AuditLine line, CancellationToken cancel)
    {
        lock (engine.Audit)
        {
            var row = new AuditRow(engine.Audit.Count + _hidden.Count + 1, line);
            engine.Audit.Add(row);
            return Task.FromResult(row);
        }
    }

    public Task<bool> RemoveEvent(long id, CancellationToken cancel)
    {
        lock (engine.Audit)
        {
            if (engine.Audit.FirstOrDefault(row => row.Id == id) is not { } found) return Task.FromResult(false);
            _hidden.Add(found);
            return Task.FromResult(engine.Audit.Remove(found));
        }
    }

    public Task RestoreEvents(CancellationToken cancel)
    {
        lock (engine.Audit) engine.Audit.AddRange(_hidden);
        _hidden.Clear();
        return Task.CompletedTask;
    }

    public Task AddJob(JobView job, CancellationToken cancel)
    {
        engine.Put(Kinds.Job, job.Id.Value, job);
        return Task.CompletedTask;
    }

    public Task<bool> ReplaceJob(JobView job, long version, CancellationToken cancel)
    {
        engine.Put(Kinds.Job, job.Id.Value, job);
        return Task.FromResult(true);
    }
}

public sealed class FakeSecrets : ISecrets
{
    public ConcurrentDictionary<string, string> Values { get; } = new();

    public Task Put(string name, string value, CancellationToken cancel)
    {
        Values[name] = value;
        return Task.CompletedTask;
    }

    public Task Remove(string name, CancellationToken cancel)
    {
        Values.TryRemove(name, out _);
        return Task.CompletedTask;
    }
}

public sealed class FakeOwners : IOwners
{
    public Task<Owner?> Find(string kind, Guid id, CancellationToken cancel) =>
        Task.FromResult(kind == "vm" ? new Owner("node1", "127.0.0.1:2551", 7, 4711) : null);

    public Task<IReadOnlyList<NodeSummary>> Nodes(CancellationToken cancel) => Task.FromResult<IReadOnlyList<NodeSummary>>(
        [new NodeSummary("node1", "127.0.0.1:2551", "up", 4711, new Dictionary<string, int> { ["vm"] = 12 })]);
}

public sealed class FakeUsers : IUsers
{
    private readonly ConcurrentDictionary<string, (Identity User, string Password)> _users = new();

    public int Verifications { get; private set; }

    public Task<Identity?> Verify(string name, string password, CancellationToken cancel)
    {
        Verifications++;
        return Task.FromResult(
            _users.TryGetValue(name, out var known) && known.Password == password ? known.User : null);
    }

    public Task SetPassword(string name, string password, bool isAdmin, CancellationToken cancel)
    {
        _users[name] = (new Identity(new Guid(1, 2, 3, [.. new byte[7], (byte)_users.Count]), name, isAdmin), password);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<Identity>> List(CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<Identity>>([.. _users.Values.Select(entry => entry.User)]);
}

public sealed class FakeRevocations : ITokenRevocations
{
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _revoked = new();

    public bool IsRevoked(Guid token) => _revoked.ContainsKey(token);

    public Task Revoke(Guid token, DateTimeOffset expires, CancellationToken cancel)
    {
        _revoked[token] = expires;
        return Task.CompletedTask;
    }

    public Task<bool> Use(Guid token, DateTimeOffset expires, CancellationToken cancel) => Task.FromResult(_revoked.TryAdd(token, expires));
}

/// <summary>Consoles of guests that greet and say back what they hear.</summary>
public sealed class FakeConsoles : IConsoles
{
    public ConcurrentQueue<(GuestPlace Guest, string Password, TimeSpan Validity)> Tickets { get; } = [];

    public ConsoleAddress Address { get; set; } = new("10.77.0.9", 5901);

    /// <summary>Thrown by every call while set.</summary>
    public Exception? Away { get; set; }

    /// <summary>The agents' ends of what was opened.</summary>
    public ConcurrentQueue<WebSocket> Opened { get; } = [];

    public Task<ConsoleAddress?> Find(GuestPlace guest, CancellationToken cancel) =>
        Away is null ? Task.FromResult<ConsoleAddress?>(Address) : throw Away;

    public Task<ConsoleAddress> SetTicket(GuestPlace guest, string password, TimeSpan validity, CancellationToken cancel)
    {
        if (Away is not null) throw Away;
        Tickets.Enqueue((guest, password, validity));
        return Task.FromResult(Address);
    }

    public ConcurrentQueue<(GuestPlace Guest, FileSystemsAct Act)> FileSystemsActs { get; } = [];

    public Task FileSystems(GuestPlace guest, FileSystemsAct act, CancellationToken cancel)
    {
        if (Away is not null) throw Away;
        FileSystemsActs.Enqueue((guest, act));
        return Task.CompletedTask;
    }

    public async Task<WebSocket> Open(GuestPlace guest, ConsoleKind kind, CancellationToken cancel)
    {
        if (Away is not null) throw Away;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var engine = new TcpClient();
        await engine.ConnectAsync((IPEndPoint)listener.LocalEndpoint, cancel);
        var agent = await listener.AcceptTcpClientAsync(cancel);
        var far = WebSocket.CreateFromStream(agent.GetStream(), new WebSocketCreationOptions { IsServer = true });
        Opened.Enqueue(far);
        await far.SendAsync("RFB 003.008\n"u8.ToArray(), WebSocketMessageType.Binary, true, cancel);
        return WebSocket.CreateFromStream(engine.GetStream(), new WebSocketCreationOptions());
    }
}

public sealed class ManualClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>What was put last, of each host and guest.</summary>
public sealed class FakeObservations : IObservations
{
    private readonly Dictionary<Guid, HostObservations> _hosts = [];
    private readonly Dictionary<Guid, GuestObservation> _guests = [];

    public Task Put(HostId host, HostObservations seen, CancellationToken cancel)
    {
        _hosts[host.Value] = seen with { Guests = [] };
        foreach (var guest in seen.Guests) _guests[guest.Vm] = guest;
        return Task.CompletedTask;
    }

    public Task<HostObservations?> OfHost(HostId host, CancellationToken cancel) => Task.FromResult(_hosts.GetValueOrDefault(host.Value));

    public Task<IReadOnlyDictionary<Guid, GuestObservation>> OfGuests(IReadOnlyCollection<Guid> vms, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyDictionary<Guid, GuestObservation>>(_guests.Where(g => vms.Contains(g.Key)).ToDictionary());
}
