using Akka.Configuration;
using Akka.Event;
using Orchestrator.Engine;

namespace Akka.Actor;

public sealed class CoordinatedShutdownExtension : ExtensionIdProvider<CoordinatedShutdown>
{
    public override CoordinatedShutdown CreateExtension(ExtendedActorSystem system) => new((LocalSystem)system);
}

/// <summary>
/// Ends a system in named phases, in the order of their depends-on; the tasks of one phase run at the same time.
/// A phase that fails or takes longer than its timeout is logged and, with recover = on (the default), the next begins.
/// Runs once: later calls answer with the first run.
/// </summary>
public sealed class CoordinatedShutdown : IExtension
{
    public const string PhaseBeforeServiceUnbind = "before-service-unbind";
    public const string PhaseServiceUnbind = "service-unbind";
    public const string PhaseServiceRequestsDone = "service-requests-done";
    public const string PhaseServiceStop = "service-stop";
    public const string PhaseBeforeClusterShutdown = "before-cluster-shutdown";
    public const string PhaseClusterShardingShutdownRegion = "cluster-sharding-shutdown-region";
    public const string PhaseClusterLeave = "cluster-leave";
    public const string PhaseClusterExiting = "cluster-exiting";
    public const string PhaseClusterExitingDone = "cluster-exiting-done";
    public const string PhaseClusterShutdown = "cluster-shutdown";
    public const string PhaseBeforeActorSystemTerminate = "before-actor-system-terminate";
    public const string PhaseActorSystemTerminate = "actor-system-terminate";

    private readonly LocalSystem _system;
    private readonly Config _config;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<(string Name, Func<CancellationToken, Task<Done>> Task)>> _tasks = [];
    private readonly List<string> _order;
    private Task<Done>? _run;

    internal CoordinatedShutdown(LocalSystem system)
    {
        _system = system;
        _config = system.Settings.Config.GetConfig("akka.coordinated-shutdown");
        _order = Order(_config);
        if (_config.GetBoolean("terminate-actor-system", true))
        {
            AddTask(PhaseActorSystemTerminate, "terminate-system", async () =>
            {
                system.FinalTerminate();
                await system.WhenTerminated;
                return Done.Instance;
            });
        }
    }

    public ExtendedActorSystem System => _system;

    public Reason? ShutdownReason { get; private set; }

    public static CoordinatedShutdown Get(ActorSystem sys) => new CoordinatedShutdownExtension().Get(sys);

    public void AddTask(string phase, string taskName, Func<Task<Done>> task) =>
        AddCancellableTask(phase, taskName, _ => task());

    internal void AddCancellableTask(string phase, string taskName, Func<CancellationToken, Task<Done>> task)
    {
        if (!_order.Contains(phase))
            throw new ConfigurationException($"Unknown phase [{phase}], known phases [{string.Join(",", _order)}]. "
                + "All phases (along with their optional dependencies) must be defined in configuration.");
        ArgumentException.ThrowIfNullOrEmpty(taskName);
        lock (_gate)
        {
            if (!_tasks.TryGetValue(phase, out var tasks)) _tasks[phase] = tasks = [];
            tasks.Add((taskName, task));
        }
    }

    public TimeSpan Timeout(string phase) =>
        _config.GetTimeSpan($"phases.{phase}.timeout", _config.GetTimeSpan("default-phase-timeout", TimeSpan.FromSeconds(5)));

    public TimeSpan TotalTimeout => _order.Aggregate(TimeSpan.Zero, (sum, phase) => sum + Timeout(phase));

    public Task<Done> Run(Reason reason, string? fromPhase = null)
    {
        lock (_gate)
        {
            if (_run is not null) return _run;
            ShutdownReason = reason;
            _system.Log.Info("The actor system {0} shuts down: {1}", _system.Name, reason);
            var from = fromPhase is null ? 0 : Math.Max(0, _order.IndexOf(fromPhase));
            return _run = Task.Factory.StartNew(
                () => RunPhases(_order.Skip(from)), CancellationToken.None, TaskCreationOptions.DenyChildAttach,
                _system.TaskScheduler).Unwrap();
        }
    }

    private async Task<Done> RunPhases(IEnumerable<string> phases)
    {
        foreach (var phase in phases)
        {
            (string Name, Func<CancellationToken, Task<Done>> Task)[] tasks;
            lock (_gate) tasks = [.. _tasks.GetValueOrDefault(phase, [])];
            if (tasks.Length == 0 || !_config.GetBoolean($"phases.{phase}.enabled", true)) continue;
            using var late = new CancellationTokenSource(Timeout(phase), _system.Clock);
            var recover = _config.GetBoolean($"phases.{phase}.recover", true);
            try
            {
                await Task.WhenAll(tasks.Select(task => RunTask(phase, task.Name, task.Task, recover, late.Token)))
                    .WaitAsync(Timeout(phase), _system.Clock);
            }
            catch (TimeoutException)
            {
                _system.Log.Warning("Shutdown phase {0} was not done within {1}", phase, Timeout(phase));
                if (!recover) throw;
            }
        }
        return Done.Instance;
    }

    private async Task RunTask(
        string phase, string name, Func<CancellationToken, Task<Done>> task, bool recover, CancellationToken cancel)
    {
        try
        {
            await task(cancel);
        }
        catch (Exception cause) when (recover)
        {
            _system.Log.Warning(cause, "Shutdown task {0} of phase {1} failed", name, phase);
        }
    }

    private static List<string> Order(Config config)
    {
        List<string> order = [];
        HashSet<string> open = [];
        foreach (var phase in config.Keys("phases")) Visit(phase);
        return order;

        void Visit(string phase)
        {
            if (order.Contains(phase)) return;
            if (!open.Add(phase)) throw new ConfigurationException($"Cycle in the shutdown phases at [{phase}]");
            foreach (var before in config.GetStringList($"phases.{phase}.depends-on", [])) Visit(before);
            open.Remove(phase);
            order.Add(phase);
        }
    }

    /// <summary>Why the system ends. The exit code is what a process that ends for this reason should answer.</summary>
    public abstract class Reason
    {
        protected Reason() { }

        public abstract int ExitCode { get; }

        public override string ToString() => GetType().Name;
    }

    public class UnknownReason : Reason
    {
        public static readonly Reason Instance = new UnknownReason();

        private UnknownReason() { }

        public override int ExitCode => 0;
    }

    public class ActorSystemTerminateReason : Reason
    {
        public static readonly Reason Instance = new ActorSystemTerminateReason();

        private ActorSystemTerminateReason() { }

        public override int ExitCode => 0;
    }

    public class ClrExitReason : Reason
    {
        public static readonly Reason Instance = new ClrExitReason();

        private ClrExitReason() { }

        public override int ExitCode => 0;
    }

    public class ClusterDowningReason : Reason
    {
        public static readonly Reason Instance = new ClusterDowningReason();

        private ClusterDowningReason() { }

        public override int ExitCode => -1;
    }

    public class ClusterLeavingReason : Reason
    {
        public static readonly Reason Instance = new ClusterLeavingReason();

        private ClusterLeavingReason() { }

        public override int ExitCode => 0;
    }
}
