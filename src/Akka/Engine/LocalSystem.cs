using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Orchestrator.Engine;

/// <summary>The actor system of one process: the tree "/user", "/system", the clock and the dispatcher below it.</summary>
internal sealed class LocalSystem : ExtendedActorSystem
{
    private readonly ConcurrentDictionary<string, PromiseRef> _temps = new();
    private readonly ConcurrentDictionary<IExtensionId, Lazy<object>> _extensions = new();
    private readonly TaskCompletionSource _terminated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Action> _onTermination = [];
    private readonly Random _random;
    private readonly ActorPath _temp;
    private readonly DeadLettersRef _deadLetters;
    private readonly LogOutput _logOutput;
    private readonly long _started;
    private LocalActorRef _root = null!;
    private LocalActorRef _user = null!;
    private LocalActorRef _system = null!;
    private long _tempNumber;
    private int _terminating;

    public LocalSystem(string name, Config config, EngineSetup setup)
    {
        if (!ActorPath.IsValidPathElement(name) || name.Contains('.'))
            throw new ArgumentException($"Invalid ActorSystem name [{name}]: letters, digits, '-' and '_' only.", nameof(name));
        Name = name;
        Setup = setup;
        Clock = setup.Clock;
        Settings = new Settings(this, config.WithFallback(ConfigurationFactory.Default()));
        Dispatcher = setup.Dispatcher ?? ThreadPoolDispatcher.Instance;
        TaskScheduler = Dispatcher is ThreadPoolDispatcher
            ? TaskScheduler.Default
            : new DispatcherTaskScheduler(Dispatcher);
        Throughput = Math.Max(1, Settings.Config.GetInt("akka.actor.default-dispatcher.throughput", 50));
        _random = setup.Random ?? new Random();
        _started = Clock.GetTimestamp();
        LocalAddress = new Address("akka", name);
        EventStream = new EventStream();
        EventStream.SetLogLevel(Settings.LogLevelEnum);
        _temp = new RootActorPath(LocalAddress) / "temp";
        _deadLetters = new DeadLettersRef(this, new RootActorPath(LocalAddress) / "deadLetters");
        Scheduler = new ClockScheduler(this);
        Serialization = new Akka.Serialization.Serialization(this);
        Log = Logging.GetLogger(this, "ActorSystem(" + name + ")");
        _logOutput = new LogOutput(this);
    }

    public EngineSetup Setup { get; }

    public TimeProvider Clock { get; }

    public IEngineDispatcher Dispatcher { get; }

    /// <summary>Runs tasks in turns of the dispatcher: what follows an await stays on it.</summary>
    public TaskScheduler TaskScheduler { get; }

    public int Throughput { get; }

    /// <summary>Our address as others know it; set once by the cluster side, before any path leaves the process.</summary>
    public Address LocalAddress { get; set; }

    public IRemoteTransport? Transport { get; set; }

    public override string Name { get; }

    public override Settings Settings { get; }

    public override EventStream EventStream { get; }

    public override IActorRef DeadLetters => _deadLetters;

    public override IScheduler Scheduler { get; }

    public override ILoggingAdapter Log { get; }

    public override Akka.Serialization.Serialization Serialization { get; }

    private protected override TimeSpan MeasuredUptime => Clock.GetElapsedTime(_started);

    public override Task WhenTerminated => _terminated.Task;

    public LocalActorRef UserGuardian => _user;

    public LocalSystem Start()
    {
        _root = new LocalActorRef(this, Props.Create(() => new Guardian()), null, new RootActorPath(LocalAddress), null);
        _root.SendSystem(new SystemMessage.Create());
        _user = (LocalActorRef)_root.Cell.ActorOf(Props.Create(() => new Guardian()), "user");
        _system = (LocalActorRef)_root.Cell.ActorOf(Props.Create(() => new Guardian()), "system");
        _ = CoordinatedShutdown.Get(this);
        return this;
    }

    public override IActorRef ActorOf(Props props, string? name = null) => _user.Cell.ActorOf(props, name);

    public override IActorRef SystemActorOf(Props props, string? name = null) => _system.Cell.ActorOf(props, name);

    public override void Stop(IActorRef actor)
    {
        if (actor is not EngineRef reference) return;
        if (reference is LocalActorRef { Cell.ParentRef: { } parent }) parent.Cell.Children.MarkDying(reference);
        reference.SendSystem(new SystemMessage.Terminate());
    }

    public override Task Terminate()
    {
        if (!Settings.Config.GetBoolean("akka.coordinated-shutdown.run-by-actor-system-terminate", true))
        {
            FinalTerminate();
            return WhenTerminated;
        }
        _ = CoordinatedShutdown.Get(this).Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance);
        return WhenTerminated;
    }

    /// <summary>Stops "/user", then "/system", then the root; no shutdown phases.</summary>
    public void FinalTerminate()
    {
        if (Interlocked.Exchange(ref _terminating, 1) == 0) _user.SendSystem(new SystemMessage.Terminate());
    }

    public override void RegisterOnTermination(Action code)
    {
        lock (_onTermination) _onTermination.Add(code);
    }

    public override object RegisterExtension(IExtensionId extension) =>
        _extensions.GetOrAdd(extension, id => new Lazy<object>(() => id.CreateExtension(this))).Value;

    public override object? GetExtension(IExtensionId extensionId) =>
        _extensions.TryGetValue(extensionId, out var found) ? found.Value : null;

    public override bool HasExtension(Type type) =>
        _extensions.Keys.Any(extension => type.IsAssignableFrom(extension.ExtensionType));

    public override bool HasExtension<T>() => HasExtension(typeof(T));

    public void OnStopped(LocalActorRef actor)
    {
        if (ReferenceEquals(actor, _user)) _system.SendSystem(new SystemMessage.Terminate());
        else if (ReferenceEquals(actor, _system)) _root.SendSystem(new SystemMessage.Terminate());
        else if (ReferenceEquals(actor, _root)) OnRootStopped();
    }

    /// <summary>A failure that nobody below wanted to decide ends the system.</summary>
    public void OnRootFailed(Exception cause)
    {
        Log.Error(cause, "The actor system ends: a failure was escalated to its root");
        FinalTerminate();
    }

    public long NextUid()
    {
        lock (_random) return _random.Next(1, int.MaxValue);
    }

    public double NextDouble()
    {
        lock (_random) return _random.NextDouble();
    }

    /// <summary>32 hex digits, one per incarnation of a persistent actor.</summary>
    public string NextWriterUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (_random) _random.NextBytes(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>An id that nobody else has; repeatable with a seeded source.</summary>
    public Guid NextGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (_random) _random.NextBytes(bytes);
        bytes[7] = (byte)((bytes[7] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes);
    }

    public ActorPath NewTempPath() =>
        _temp / ChildTable.RandomName(Interlocked.Increment(ref _tempNumber));

    public void RegisterTemp(string name, PromiseRef promise) => _temps[name] = promise;

    public void UnregisterTemp(string name) => _temps.TryRemove(name, out _);

    /// <summary>Runs an async body in turns of the dispatcher.</summary>
    public Task Run(Func<Task> body) =>
        Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler).Unwrap();

    public Task<T> Run<T>(Func<Task<T>> body) =>
        Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler).Unwrap();

    /// <summary>A pause on the system's clock.</summary>
    public Task Delay(TimeSpan time, CancellationToken cancel = default) => Task.Delay(time, Clock, cancel);

    /// <summary>The reference behind a path: ours when the address is ours or absent, else a remote one. A local place
    /// where nobody lives, or where another incarnation lives than the uid says, gives a way to dead letters.</summary>
    public IActorRef ResolveActorRef(string path)
    {
        Address? address = null;
        var local = path;
        if (!path.StartsWith('/'))
        {
            if (!Address.TryParse(path, out address!, out local)) return DeadLetters;
        }
        var ours = address is null || address == LocalAddress || (address.HasLocalScope && address.System == Name);
        return ours
            ? Find(ActorPath.Under(new RootActorPath(new Address("akka", Name)), local))
            : new RemoteActorRef(this, ActorPath.Under(new RootActorPath(address!), local));
    }

    /// <summary>The path by which another node can answer: with our address and the uid.</summary>
    public string SerializedPath(IActorRef actor) => actor.Path.ToSerializationFormatWithAddress(LocalAddress);

    public override string ToString() => LocalAddress.ToString();

    private IActorRef Find(ActorPath path)
    {
        var names = path.Elements;
        if (names is ["deadLetters"]) return DeadLetters;
        if (names is ["temp", var temp])
            return _temps.TryGetValue(temp, out var promise) ? promise : new EmptyRef(this, path);
        var at = _root;
        foreach (var name in names)
        {
            if (at.Cell.Children.Find(name) is not { } child) return new EmptyRef(this, path);
            at = child.Ref;
        }
        return path.Uid == 0 || path.Uid == at.Path.Uid ? at : new EmptyRef(this, path);
    }

    private void OnRootStopped()
    {
        Action[] last;
        lock (_onTermination) last = [.. Enumerable.Reverse(_onTermination)];
        foreach (var code in last)
        {
            try { code(); }
            catch (Exception cause) { Log.Error(cause, "A callback registered for the system's termination failed"); }
        }
        _logOutput.Dispose();
        _terminated.TrySetResult();
    }

    private sealed class Guardian : ActorBase
    {
        protected override bool Receive(object message) => false;

        protected override void Unhandled(object message)
        {
            if (message is Terminated) return;
            base.Unhandled(message);
        }
    }
}
