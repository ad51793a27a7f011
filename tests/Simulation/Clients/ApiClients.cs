using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Tests.Simulation.Installation;

namespace Orchestrator.Tests.Simulation.Clients;

/// <summary>
/// What stands in front of the API: each command goes to some node that takes connections and waits there as a REST
/// handler does; without an answer, or with "unavailable", it goes to another node under the same job. What was accepted
/// is remembered.
/// </summary>
public sealed class ApiClients
{
    /// <summary>api.request-limit.</summary>
    private static readonly TimeSpan _requestLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan _givesUpAfter = TimeSpan.FromMinutes(4);
    private readonly Simulation _simulation;
    private readonly Random _chance;
    private readonly List<Command> _open = [];

    public ApiClients(Simulation simulation, Random chance)
    {
        (_simulation, _chance) = (simulation, chance);
        Work = new Workload(simulation, this, chance);
    }

    /// <summary>Raised for each answer, at the moment at which the client has it.</summary>
    public event Action<Command, Reply>? Answered;

    public List<Command> Accepted { get; } = [];

    public IReadOnlyList<Command> Open => _open;

    public int Refused { get; private set; }

    /// <summary>Answers of "unavailable", broken connections and silence.</summary>
    public int Unavailable { get; private set; }

    public Workload Work { get; }

    public void Begin() => _ = Work.Live();

    /// <summary>Null when nobody answered for longer than any storm excuses, which breaks a rule.</summary>
    public async Task<Reply?> Ask(string kind, Guid id, string what, Func<Origin, object> make)
    {
        var command = new Command(kind, id, NewId(), what);
        var origin = new Origin(new JobId(command.Job), null, "admin@internal", _simulation.Outside.Clock.GetUtcNow());
        var question = make(origin);
        var began = _simulation.Thread.Ticks;
        _open.Add(command);
        try
        {
            while (_simulation.Thread.Ticks - began < _givesUpAfter.Ticks)
            {
                if (await Once(command, question) is not { } reply)
                {
                    Unavailable++;
                    await Pause(TimeSpan.FromMilliseconds(200 + _chance.Next(1800)));
                    continue;
                }

                if (reply is Reply.Refused) Refused++;
                else if (reply is Reply.Accepted) Accepted.Add(command);
                Answered?.Invoke(command, reply);
                if (reply is Reply.Refused { Fault: Fault.Unreadable } unreadable)
                    _simulation.Violated("unreadable", $"{what}: {unreadable.Detail}");
                return reply;
            }

            _simulation.Violated("answers", $"no node answered for {_givesUpAfter.TotalMinutes} minutes: {what}");
            return null;
        }
        finally
        {
            _open.Remove(command);
        }
    }

    public Guid NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        _chance.NextBytes(bytes);
        return new Guid(bytes);
    }

    public Task Pause(TimeSpan time) => Task.Delay(time, _simulation.Outside.Clock);

    private Task<Reply?> Once(Command command, object question)
    {
        var up = _simulation.Nodes.Where(n => n.Process is not null && n.Entities is not null).ToArray();
        if (up.Length == 0) return Task.FromResult<Reply?>(null);
        var node = up[_chance.Next(up.Length)];
        command.Via = node.Name;
        var answer = new TaskCompletionSource<Reply?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var entities = node.Entities!;
        node.Process!.Schedule(() => _ = Serve(entities, command, question, answer));
        _simulation.After(_requestLimit, () => answer.TrySetResult(null));
        return answer.Task;
    }

    private static async Task Serve(
        IEntities entities, Command command, object question, TaskCompletionSource<Reply?> answer)
    {
        try
        {
            answer.TrySetResult(await entities.Ask(command.Kind, command.Id, question, CancellationToken.None));
        }
        catch (EntityUnavailableException)
        {
            answer.TrySetResult(null);
        }
    }
}
