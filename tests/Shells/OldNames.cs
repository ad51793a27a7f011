using System.Text;
using Akka.Actor;
using Newtonsoft.Json.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Shells;

/// <summary>A row under a name that nothing writes any more, through the whole way: journal, serializer, steps, recovery.</summary>
public sealed class OldNames
{
    /// <summary>As if there had been a vm.created.0 whose title became the name, and before it a vm.born.1.</summary>
    private static readonly Upcasts _steps = new(
    [
        new Upcast("vm.born.1", "vm.created.0", born => new JObject
        {
            ["origin"] = born["by"],
            ["config"] = new JObject { ["title"] = born["title"], ["cluster"] = born["cluster"] },
        }),
        new Upcast("vm.created.0", "vm.created.1", created =>
        {
            var config = (JObject)created["config"]!;
            config["name"] = config["title"];
            config.Remove("title");
            return created;
        }),
    ]);

    [Theory]
    [InlineData("vm.created.0", """{"origin": ORIGIN, "config": {"title": "old", "cluster": "00000009-0000-0000-0000-000000000001"}}""")]
    [InlineData("vm.born.1", """{"by": ORIGIN, "title": "old", "cluster": "00000009-0000-0000-0000-000000000001"}""")]
    public async Task An_entity_whose_first_event_has_an_old_name_recovers_and_goes_on(string manifest, string payload)
    {
        var world = new World();
        const string origin =
            """{"job": "00000001-0000-0000-0000-000000000001", "correlation": "c", "user": "u", "at": "2026-01-01T00:00:00+00:00"}""";
        await new MemoryEngineStore(world.Database).WriteAsync(
            [
                new JournalBatch(Web.Entity, "an old version", null,
                    [new JournalEvent(1, manifest, 1001, Encoding.UTF8.GetBytes(payload.Replace("ORIGIN", origin, StringComparison.Ordinal)))],
                    [], null),
            ],
            CancellationToken.None);

        var life = Web.Begin(world, typeof(WithSteps));
        var vm = life.Wake();
        life.Run();
        var seen = Assert.IsType<Reply.AlreadyDone>(life.Ask(vm, new Look()));
        Assert.Equal("old", (string?)JObject.Parse(seen.View)["config"]!["name"]);
        Assert.IsType<Reply.Accepted>(life.Ask(vm, Web.Start));
        Assert.Equal([manifest, "vm.start-requested.1"], world.Database.Journal.Select(r => r.Manifest));
    }

    [Fact]
    public void A_step_that_would_lose_what_was_stored_is_refused()
    {
        static JObject Same(JObject document) => document;
        Assert.Throws<ArgumentException>(() => new Upcasts([new Upcast("vm.old.1", "vm.nowhere.1", Same)]));
        Assert.Throws<ArgumentException>(() => new Upcasts([new Upcast("vm.created.1", "vm.placed.1", Same)]));
        Assert.Throws<ArgumentException>(
            () => new Upcasts([new Upcast("vm.a.1", "vm.b.1", Same), new Upcast("vm.b.1", "vm.a.1", Same)]));
    }

    /// <summary>Named in the configuration of the life above.</summary>
    public sealed class WithSteps(ExtendedActorSystem system) : WireSerializer(system, _steps);
}
