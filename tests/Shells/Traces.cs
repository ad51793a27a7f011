using System.Diagnostics;
using Akka.Actor;
using Orchestrator.Actors;
using Orchestrator.Actors.Vm;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Tests.Shells;

/// <summary>What an entity does names the request that caused it, also after a crash; and costs nothing when nobody asks.</summary>
public sealed class Traces
{
    private const string Request = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    private static VmCommand.Start Start => new(Web.By(2) with { Trace = Request }) { Trace = Request };

    [Fact]
    public void A_traced_command_its_write_and_its_effects_are_one_trace()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        using var spans = new Spans();
        life.Ask(vm, Start);
        Assert.Equal(["journal write", "vm Start"], spans.Of(TraceId).Select(s => s.DisplayName));
        Assert.Equal(spans.Of(TraceId)[1].SpanId, spans.Of(TraceId)[0].ParentSpanId);
        Assert.Equal("00f067aa0ba902b7", spans.Of(TraceId)[1].ParentSpanId.ToHexString());
        Assert.Null(Activity.Current);
    }

    [Fact]
    public void After_a_crash_what_is_still_owed_names_the_request_of_long_ago()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        life.Ask(vm, Start);
        world.Crash();
        using var spans = new Spans();
        var next = Web.Begin(world);
        next.Wake();
        next.Run();
        Assert.Equal(["vm owes FindHost"], spans.Of(TraceId).Select(s => s.DisplayName));
        for (var i = 0; i < 20; i++) next.Advance(Life<VmState, VmCommand, VmEvent, VmEffect>.TickEvery);

        // Said at every tick, told ever more seldom: a thing that is stuck for days makes no flood of spans.
        Assert.Equal([1, 2, 4, 8, 16], spans.Of(TraceId).Select(s => s.GetTagItem("orchestrator.debt.said")));
    }

    [Fact]
    public void When_the_work_is_done_the_request_is_named_no_more()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create, Start, Web.Offer, Web.Up);
        Assert.Null(Explain(life, vm).Trace);
        world.Crash();
        var next = Web.Begin(world);
        Assert.Null(Explain(next, next.Wake()).Trace);
    }

    [Fact]
    public void A_trace_that_is_not_recorded_makes_no_span()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        using var spans = new Spans();
        life.Ask(vm, Web.Start);
        life.Ask(vm, new VmCommand.Stop(Web.By(4)) { Trace = "not a trace" });
        Assert.Empty(spans.All);
    }

    [Fact]
    public void While_nobody_listens_nothing_is_allocated_for_traces()
    {
        object command = Web.Start;
        EntityTraces.Under(command);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Assert.Same(command, EntityTraces.Under(command));
            if (EntityTraces.Now is not null) Assert.Fail("there is no trace");
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void An_entity_tells_what_it_owes_since_when_and_what_it_heard()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create, Web.Start);
        life.Advance(TimeSpan.FromSeconds(7));
        life.Ask(vm, Web.Offer);
        life.Ask(vm, Web.Up with { State = GuestState.WaitForLaunch });
        life.Ask(vm, Web.Start with { Origin = Web.By(9) });
        var told = Explain(life, vm);
        Assert.Equal("Starting", told.Phase);
        var debt = Assert.Single(told.Debts);
        Assert.Equal(("Launch", false), (debt.Name, debt.IsStanding));
        Assert.Contains("host-1", debt.What);
        Assert.Equal(Web.Host.Value, debt.Asks!.Id);
        Assert.Equal(
            ["the cluster offered host-1", "host-1 reports it wait for launch under lease 1", "Start: refused (VmAlreadyRunning)"],
            told.Heard.Select(h => h.What));
        Assert.Contains(told.Summary, s => s is { Key: "lease", Value: "1" });
    }

    private static Explanation Explain(Life<VmState, VmCommand, VmEvent, VmEffect> life, IActorRef vm) =>
        Journal.Read<Explanation>(Assert.IsType<Reply.Explained>(life.Ask(vm, new Inspect())).Json);

    private static class Journal
    {
        public static T Read<T>(string json) => Orchestrator.Actors.Journal.WireJson.Read<T>(json);
    }

    /// <summary>Listens to the spans of entities, in the order in which they end.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ActivityListener _listener;

        public Spans()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == EntityTraces.Name,
                Sample = (ref ActivityCreationOptions<ActivityContext> o) => o.Parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
                    ? ActivitySamplingResult.AllDataAndRecorded
                    : ActivitySamplingResult.None,
                ActivityStopped = span =>
                {
                    lock (All) All.Add(span);
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public List<Activity> All { get; } = [];

        public IReadOnlyList<Activity> Of(string trace)
        {
            lock (All) return [.. All.Where(s => s.TraceId.ToHexString() == trace)];
        }

        public void Dispose() => _listener.Dispose();
    }
}
