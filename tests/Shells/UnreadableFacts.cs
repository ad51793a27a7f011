using System.Text;
using Orchestrator.Actors;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Shells;

/// <summary>An event that a later version wrote, or that was spoilt: the entity says so and touches nothing.</summary>
public sealed class UnreadableFacts
{
    [Theory]
    [InlineData("vm.teleported.1", "{}", "a name that this version does not know")]
    [InlineData("vm.start-requested.2", "{}", "a name that this version does not know")]
    [InlineData("vm.placed.1", "[1]", "JSON")]
    [InlineData("vm.placed.1", "{", "JSON")]
    public async Task Every_command_is_refused_as_unreadable_and_nothing_is_written(
        string manifest, string payload, string why)
    {
        var world = new World();
        Web.After(world, Web.Create, Web.Start);
        world.Crash();
        var store = new MemoryEngineStore(world.Database);
        var stored = await store.WriteAsync(
            [
                new JournalBatch(
                    Web.Entity, "a later version", null,
                    [new JournalEvent(3, manifest, 1001, Encoding.UTF8.GetBytes(payload))], [], null),
            ],
            CancellationToken.None);
        Assert.Equal(WriteOutcome.Written, Assert.Single(stored));

        var life = Web.Begin(world);
        var vm = life.Wake();
        life.Run();
        foreach (var message in (object[])[.. Web.Biography, new Look()])
        {
            var refused = Assert.IsType<Reply.Refused>(life.Ask(vm, message));
            Assert.Equal(Fault.Unreadable, refused.Fault);
            Assert.StartsWith(manifest, refused.Detail, StringComparison.Ordinal);
            Assert.Contains(why == "JSON" ? ": " : why, refused.Detail, StringComparison.Ordinal);
        }

        life.Advance(TimeSpan.FromMinutes(10));
        Assert.Empty(life.Effects);
        Assert.Equal(0, life.Writes);
        Assert.Empty(life.Story.OfType<Step.Decided>());
        Assert.Equal(3, world.Database.Journal.Length);

        // It does not stay in memory for ever.
        Assert.Contains(life.Story, step => step is Step.AskedToPassivate);
    }
}
