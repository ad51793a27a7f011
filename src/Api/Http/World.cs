using Microsoft.Extensions.Logging;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api.Http;

/// <summary>All that lies outside the API, in one place; made once per node.</summary>
public sealed record World(
    ApiOptions Options, IEntities Entities, IReadModel Read, ISecrets Secrets, IOwners Owners, IUsers Users,
    TimeProvider Clock, ILogger Log)
{
    public required ICatalogue Catalogue { get; init; }

    public required IConsoles Consoles { get; init; }

    public required ConsoleTickets ConsoleTickets { get; init; }

    public IHostStorage Storage { get; init; } = new NoHostStorage();

    public IObservations Observations { get; init; } = NoObservations.Instance;

    public required IClientRecords Records { get; init; }

    public EventFeed Feed { get; } = new(Read, Log);

    public KnownViews Views { get; } = new();

    public TransferTickets Tickets { get; } = new(Options.TokenKey.ToArray());
}
