using Orchestrator.Actors.Journal;

namespace Orchestrator.Tests.Simulation.Clients;

/// <summary>One command of a client, asked again under the same job until it is answered.</summary>
public sealed record Command(string Kind, Guid Id, Guid Job, string What)
{
    public string Entity => $"{Kind}-{Id}";

    /// <summary>The node that was asked last.</summary>
    public string Via { get; set; } = "nobody";

    public bool IsVm => Kind == Kinds.Vm;
}
