using Microsoft.Extensions.Logging;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>What all hosts of a node share: the way to agents, the read model, secrets, the clock.</summary>
public sealed class HostWorld(
    Func<Uri, IAgent> agents, IEntities entities, IReadModel read, IDevicePasswords passwords, HostSettings settings,
    IFenceDevices fence, TimeProvider clock, Func<bool> mayAct, ILogger<HostWorld> log)
{
    public IEntities Entities => entities;

    public IReadModel Read => read;

    public IDevicePasswords Passwords => passwords;

    public HostSettings Settings => settings;

    public IFenceDevices LocalFence => fence;

    public TimeProvider Clock => clock;

    public StorageMap Storage { get; } = new(read, clock);

    /// <summary>Ids of the work that hosts begin by themselves.</summary>
    public Func<Guid> NewId { get; init; } = Guid.NewGuid;

    /// <summary>Null: nobody wants to know.</summary>
    public IObservations? Observations { get; init; }

    public required TransferTickets Tickets { get; init; }

    /// <summary>Null: agents are not restarted.</summary>
    public ISoftFence? SoftFence { get; init; }

    /// <summary>Null: certificates of hosts are not renewed.</summary>
    public IHostAuthority? Authority { get; init; }

    /// <summary>Null: this node does not log in to hosts.</summary>
    public IHostInstaller? Installer { get; init; }

    /// <summary>How long the engine has run without a moment at which no node did.</summary>
    public Func<TimeSpan> EngineAge { get; init; } = static () => TimeSpan.MaxValue;

    /// <summary>Whether this node owns what it owns at this very moment. Asked before each order leaves.</summary>
    public bool MayAct() => mayAct();

    public IAgent Client(HostEffect.KeepLink link)
    {
        var address = link.Address.Contains(':', StringComparison.Ordinal) ? $"[{link.Address}]" : link.Address;
        return agents(new Uri($"https://{address}:{link.Port}{link.PathPrefix}"));
    }

    public async Task Pause(TimeSpan time, CancellationToken cancel)
    {
        try
        {
            await Task.Delay(time, clock, cancel);
        }
        catch (OperationCanceledException)
        {
            // The link is closed: its loops look at the token next.
        }
    }

    public void LinkBroke(HostId id, string name, string why) => HostLog.LinkBroke(log, name, id.Value, why);

    /// <param name="by">The node that passes its words on; null: it is reached straight.</param>
    public void WayChanged(HostId id, string name, string? by)
    {
        if (by is null) HostLog.Straight(log, name, id.Value);
        else HostLog.ByWayOf(log, name, id.Value, by);
    }

    public void Failed(HostId id, string name, string what, string why) => HostLog.Failed(log, name, id.Value, what, why);

    public void OrderRefused(HostId id, string name, string what, AgentRefusal refusal) =>
        HostLog.OrderRefused(log, name, id.Value, what, refusal.Code, refusal.Message);

    public void TellWork(ImageWork work, JobReport job)
    {
        var ok = job.State == JobState.Done;
        if (work.Action == ImageAction.TakeSnapshot)
        {
            entities.Tell(work.Owner, work.OwnerId, new VmCommand.ReportSnapshotTaken(work.Id, ok, job.Message ?? "", clock.GetUtcNow())
            {
                Lost = job.State == JobState.Lost,
            });
            return;
        }

        if (work.Owner == Kinds.Template)
        {
            entities.Tell(work.Owner, work.OwnerId, new TemplateCommand.ReportSealed(
                work.Id, ok, job.Message ?? (ok ? "" : "the host lost the work"), clock.GetUtcNow())
            {
                Lost = job.State == JobState.Lost,
            });
            return;
        }

        if (work.Owner == Kinds.Vm)
        {
            // What failed is asked again, under another number.
            if (ok) entities.Tell(work.Owner, work.OwnerId, new VmCommand.ReportMemoryDeleted(work.Path, clock.GetUtcNow()));
            return;
        }

        if (work.Leftover)
        {
            if (ok) entities.Tell(work.Owner, work.OwnerId, new DiskCommand.ReportLeftoverDeleted(work.Path, clock.GetUtcNow()));
            return;
        }

        var message = job.Message ?? (ok ? "" : "the host lost the work");
        object report = work.Owner == Kinds.Disk
            ? new DiskCommand.ReportImageWork(work.Id, ok, message, clock.GetUtcNow())
            {
                Lost = job.State == JobState.Lost,
                ActualSize = job.Image?.ActualBytes,
            }
            : new StorageDomainCommand.ReportImageWork(
                work.Id, ok, message, job.Domain?.AvailableBytes ?? 0,
                (job.Domain?.TotalBytes ?? 0) - (job.Domain?.AvailableBytes ?? 0), clock.GetUtcNow());
        entities.Tell(work.Owner, work.OwnerId, report);
    }
}

/// <summary>The log lines of hosts: 3001 and up.</summary>
internal static partial class HostLog
{
    [LoggerMessage(3001, LogLevel.Warning, "host {Name} ({Id}): its agent is not reached: {Why}; it is tried again")]
    public static partial void LinkBroke(ILogger log, string name, Guid id, string why);

    [LoggerMessage(3002, LogLevel.Warning, "host {Name} ({Id}): {What} failed: {Why}")]
    public static partial void Failed(ILogger log, string name, Guid id, string what, string why);

    [LoggerMessage(3004, LogLevel.Warning,
        "host {Name} ({Id}): its agent does not answer this node directly; it is reached by way of the node at {Node}")]
    public static partial void ByWayOf(ILogger log, string name, Guid id, string node);

    [LoggerMessage(3005, LogLevel.Warning, "host {Name} ({Id}): its agent answers this node directly again")]
    public static partial void Straight(ILogger log, string name, Guid id);

    [LoggerMessage(3003, LogLevel.Warning, "host {Name} ({Id}): the agent refused {What} ({Code}): {Message}")]
    public static partial void OrderRefused(
        ILogger log, string name, Guid id, string what, string code, string message);
}
